"""Several processes that train one network together, as one process with all the lanes would.

Each plays its share of the lanes, and of every minibatch it learns from the samples of its lanes. The gradients are
added up, so that all take the same step from the same weights. They are added by hand and not by
DistributedDataParallel: shares of a minibatch differ in size, and a method may call the network several times or not
through `forward`, both of which that wrapper forbids.

What all must agree on, minibatches and seeds, each draws from a generator that is in the same state everywhere.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed
from torch import Tensor

from saddlepoint.errors import InvalidSpec


@dataclass(frozen=True)
class Lanes:
    """Neighbouring lanes of one process among those of all."""

    first: int
    count: int
    total: int

    @property
    def numbers(self) -> Tensor:
        """(count,) int64: of these lanes among those of all."""
        return torch.arange(self.first, self.first + self.count)

    def among(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Which samples are of these lanes, and their numbers among the samples of these lanes alone.

        `rows` (B,) int64 are numbers among the samples of all lanes, where step t of a lane is t * total + lane.
        """
        lane = rows % self.total - self.first
        own = (lane >= 0) & (lane < self.count)
        return own, (rows // self.total * self.count + lane)[own]


@dataclass(frozen=True)
class Processes:
    """One process among `count`; alone by default, when nothing is exchanged."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this one writes what is written once."""
        return self.rank == 0

    def lanes(self, total: int) -> Lanes:
        """This process' share. Raises InvalidSpec where the shares are not equal."""
        if total % self.count:
            raise InvalidSpec(
                f"The number of processes must divide actors = {total}, and {self.count} does not. "
                "Start fewer processes or choose another number of actors."
            )
        share = total // self.count
        return Lanes(self.rank * share, share, total)

    def add_(self, tensor: Tensor) -> None:
        """Replace by the sum over all processes."""
        if self.count > 1:
            torch.distributed.all_reduce(tensor)

    def add_gradients_(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace the gradients by their sums; one that a process has not counts as 0."""
        if self.count == 1:
            return
        learned = list(parameters)
        flat = torch.cat([_gradient(parameter).flatten() for parameter in learned])
        self.add_(flat)
        parts = torch.split(flat, [parameter.numel() for parameter in learned])
        for parameter, part in zip(learned, parts, strict=True):
            # Laid out as the weight is, which a fused optimiser counts on.
            parameter.grad = torch.empty_like(parameter).copy_(part.view_as(parameter))

    def gather(self, part: Tensor) -> list[Tensor]:
        """The parts of all processes, on the CPU; they may differ in the length of their first axis alone."""
        part = part.cpu()
        if self.count == 1:
            return [part]
        lengths = torch.zeros(self.count, dtype=torch.int64)
        lengths[self.rank] = len(part)
        self.add_(lengths)
        padded = part.new_zeros((int(lengths.max()), *part.shape[1:]))
        padded[: len(part)] = part
        parts = [torch.empty_like(padded) for _ in range(self.count)]
        torch.distributed.all_gather(parts, padded)
        return [whole[:length] for whole, length in zip(parts, lengths.tolist(), strict=True)]

    def of_all(self, steps: Tensor) -> Tensor:
        """(T, lanes) of this process -> (T, total), on the CPU."""
        return torch.cat(self.gather(steps.T.contiguous())).T

    def agree(self, choice: bool) -> bool:
        """What the first process has chosen."""
        return bool(self.gather(torch.tensor([choice]))[0])

    def shared(self, data: bytes) -> bytes:
        """The bytes of the first process; what others pass is ignored."""
        part = torch.frombuffer(bytearray(data), dtype=torch.uint8) if data and self.leads else torch.empty(0).byte()
        return self.gather(part)[0].numpy().tobytes()


ALONE = Processes()


@contextmanager
def joined(device: str) -> Iterator[tuple[Processes, str]]:
    """The processes that torchrun started, and the device of this one; alone where it started none.

    On `cuda` every process of a machine has a GPU of its own, and gradients go by nccl; everything else goes by gloo.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield ALONE, device
        return
    # Its functions keep the group that is there when they are defined, as their default. An optimiser's first step
    # imports them: the group's threads then outlived it, and one of them could abort the process at its very end.
    import torch.distributed.nn

    on_gpu = device == "cuda"
    if on_gpu:
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo")
    try:
        yield Processes(torch.distributed.get_rank(), count), device
    finally:
        torch.distributed.destroy_process_group()


def _gradient(parameter: torch.nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
