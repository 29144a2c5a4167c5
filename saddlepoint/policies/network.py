"""A canonical policy as a torch module whose outputs can be differentiated by its observation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

import torch
from torch import Tensor, nn

from saddlepoint.policies.chains import Chain
from saddlepoint.policies.critic import SettledCritic, critic_part, settled, without_critic
from saddlepoint.policies.graph import NEXT_STATE, OBSERVATION, STATE, Graph, live_part
from saddlepoint.policies.patches import from_patches, to_patches
from saddlepoint.policies.program import Programs, Step, run_
from saddlepoint.policies.reading import read_canonical
from saddlepoint.policies.rewrites import Rewritten, for_speed
from saddlepoint.schemas.policies import HEAD_OUTPUTS

Precision = Literal["fp32", "bf16"]
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Outputs:
    """What a policy says of a batch, float32 (float64 of a network that was turned into it)."""

    head: Tensor
    """(N, K): logits or values of the actions, the action itself, or mean and log_std of a Gaussian side by side."""
    value: Tensor | None
    """(N,)"""
    states: tuple[Tensor, ...] = ()
    """Of a recurrent policy: what it carries on, (N, *state_shapes[k]) each."""

    @property
    def logits(self) -> Tensor:
        """`head`, in the words of a policy that chooses among actions."""
        return self.head


class PolicyNetwork(nn.Module):
    """A frozen network on observations (N, *observation_shape) float32 in the environment's own units.

    A loop that calls it many times on the same observations (PGD) may stay in the attack layout: rearranged so
    that the first convolution is cheap, all entries kept. `forward(x)` is
    `forward_attack(to_attack_layout(x))`, and `from_attack_layout` inverts `to_attack_layout` exactly, so that
    an elementwise computation may be done in either layout.

    A recurrent policy also takes the states that it gave at the step before, `initial_states` at the start of an
    episode. No gradient flows into them.
    """

    def __init__(self, graph: Graph, *, precision: Precision = "fp32") -> None:
        super().__init__()
        self.observation_shape = graph.observation_shape
        self.state_shapes = graph.states
        self.actions = graph.actions
        self.precision = precision
        self.dtype = _DTYPES[precision]
        rewritten = for_speed(graph)
        self._block = rewritten.block
        self._critic = critic_part(rewritten.graph)
        self._whole = without_critic(rewritten.graph)
        self.head = graph.head
        self._carried = [NEXT_STATE.format(index) for index in range(len(graph.states))]
        wanted = {name: self._whole.outputs[name] for name in (*HEAD_OUTPUTS[graph.head], *self._carried)}
        self._policy = live_part(replace(self._whole, outputs=wanted))
        self._register(rewritten)
        self._programs: dict[bool, tuple[Step, ...]] = {}
        self.eval()

    def _register(self, rewritten: Rewritten) -> None:
        for name, constant in rewritten.graph.constants.items():
            held = constant.to(self.dtype) if constant.is_floating_point() else constant
            if held.ndim == 4:
                held = held.contiguous(memory_format=torch.channels_last)
            self.register_buffer(name, held)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """What `to`, `double` and the like do; the weights are laid out anew after it."""
        self._programs = {}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def _program(self, *, with_value: bool) -> tuple[Step, ...]:
        """The steps of the whole policy, or of all but its value."""
        if not self._programs:
            programs = Programs(self._constants(self._whole))
            self._programs = {True: programs.program(self._whole), False: programs.program(self._policy)}
        return self._programs[with_value]

    def initial_states(self, rows: int) -> tuple[Tensor, ...]:
        """The states of so many episodes that begin: zeros, float32; none unless the policy is recurrent."""
        device = next((buffer.device for buffer in self.buffers()), None)
        return tuple(torch.zeros(rows, *shape, device=device) for shape in self.state_shapes)

    def forward(self, observation: Tensor, states: Sequence[Tensor] = ()) -> Outputs:
        """The outputs at observations (N, *observation_shape) and states (N, *state_shapes[k])."""
        return self.forward_attack(self.to_attack_layout(observation), states, with_value=True)

    def to_attack_layout(self, observation: Tensor) -> Tensor:
        """The observations (N, *observation_shape) as the network computes with them: a new order, or as is."""
        return observation if self._block == 1 else to_patches(observation, self._block)

    def from_attack_layout(self, x: Tensor) -> Tensor:
        """The inverse of `to_attack_layout`."""
        return x if self._block == 1 else from_patches(x, self._block)

    def forward_attack(self, x: Tensor, states: Sequence[Tensor] = (), *, with_value: bool = False) -> Outputs:
        """The outputs at observations in the attack layout; the value only on request, since it can double the work."""
        if len(states) != len(self.state_shapes):
            raise ValueError(
                f"This policy carries {len(self.state_shapes)} states from step to step, got {len(states)}. "
                "Begin with initial_states(rows) and hand on the states of the outputs."
            )
        graph = self._whole if with_value else self._policy
        values = self._given(graph, x, states)
        run_(self._program(with_value=with_value), values)
        outputs = {name: values[source].to(self._wide) for name, source in graph.outputs.items()}
        parts = [outputs[name] for name in HEAD_OUTPUTS[self.head]]
        head = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        return Outputs(head, outputs.get("value"), tuple(outputs[name] for name in self._carried))

    def vjp(self, x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]] | None:
        """The head at observations in the attack layout, and what takes a gradient of it back to them.

        None unless the policy is one chain of layers, with one output for its head.
        """
        steps = self._program(with_value=False)
        is_single = len(steps) == len(HEAD_OUTPUTS[self.head]) == 1
        if not is_single or steps[0].inputs != (OBSERVATION,) or not isinstance(steps[0].compute, Chain):
            return None
        head, pull_back = steps[0].compute.vjp(x.to(self.dtype))
        return head.to(self._wide), lambda gradient: pull_back(gradient.to(self.dtype))

    def critic(self, x: Tensor, states: Sequence[Tensor] = ()) -> SettledCritic | None:
        """The critic at observations in the attack layout; None where there is none beside the head."""
        return None if self._critic is None else settled(self._critic, self._given(self._critic, x, states))

    @property
    def _wide(self) -> torch.dtype:
        """Of the outputs."""
        return torch.promote_types(self.dtype, torch.float32)

    def _given(self, graph: Graph, x: Tensor, states: Sequence[Tensor]) -> dict[str, Tensor]:
        """What the nodes of `graph` start from, by name."""
        values = self._constants(graph)
        values[OBSERVATION] = x.to(self.dtype)
        for index, state in enumerate(states):
            values[STATE.format(index)] = state.detach().to(self.dtype)
        return values

    def _constants(self, graph: Graph) -> dict[str, Tensor]:
        return {name: self.get_buffer(name) for name in graph.constants}


def load_network(model: bytes, *, precision: Precision = "fp32") -> PolicyNetwork:
    """The network of a canonical ONNX model, frozen, in evaluation mode, on the CPU."""
    return PolicyNetwork(read_canonical(model), precision=precision)
