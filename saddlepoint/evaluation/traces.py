"""What happened in one episode, step by step: enough to show the game again without asking the policy anew."""

import io
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saddlepoint.schemas.plans import EpisodeId, Plan

MOMENTS = 6
"""Steps that are shown in full."""
MOST_ENTRIES = 64
"""Of an observation that is no picture; longer ones are not kept from step to step."""

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Moment:
    """A step at which the attack moved the policy far."""

    step: int
    seen: NDArray[np.float32]
    """The true observation, in the environment's units: (R, C) or (R, C, 3), of a stack the newest frame, or (N,)."""
    given: NDArray[np.float32]
    """What the attacker made of it."""
    without: NDArray[np.float32]
    """What the policy says at the true observation: (A,) probabilities, or the (D,) numbers of its greedy action."""
    under: NDArray[np.float32]
    """The same at what it was given."""
    action_without: NDArray[Any]
    """What it would have played, with the same chance: () int64 or (D,) float32."""
    action: NDArray[Any]
    """What it played."""


@dataclass(frozen=True)
class Trace:
    """An episode of T steps."""

    actions: NDArray[Any]
    """(T,) int64 or (T, D) float32."""
    rewards: NDArray[np.float64]
    """(T,)."""
    observations: NDArray[np.float32] | None
    """(T, N): the true ones, in the environment's units; None of pictures and of vectors above MOST_ENTRIES."""
    measures: Columns
    """(T,) each: `kl` (nats, clean || perturbed), `flips` (0 or 1), `shift`; 0 where nothing was attacked."""
    moments: tuple[Moment, ...]
    """At most MOMENTS, in order, spread over the episode."""

    def to_bytes(self) -> bytes:
        columns = {"actions": self.actions, "rewards": self.rewards}
        columns |= {f"measure.{name}": values for name, values in self.measures.items()}
        if self.observations is not None:
            columns["observations"] = self.observations
        if self.moments:
            names = (field.name for field in fields(Moment))
            columns |= {f"moment.{name}": np.array([getattr(each, name) for each in self.moments]) for name in names}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **columns)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Trace":
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            columns = {name: file[name] for name in file.files}
        moments = _under("moment", columns)
        rows = [{name: values[row] for name, values in moments.items()} for row in range(len(moments.get("step", ())))]
        return cls(
            columns["actions"],
            columns["rewards"],
            columns.get("observations"),
            _under("measure", columns),
            tuple(Moment(**{**row, "step": int(row["step"])}) for row in rows),
        )


def traced(plan: Plan) -> frozenset[EpisodeId]:
    """The episodes of a plan that leave a trace: the first one of the first seed, under each attack.

    So the one that is shown was chosen before any was played.
    """
    cells = [cell.index for cell in plan.cells if cell.role == "cell"]
    seeds = [entry.seed for shard in plan.shards for entry in shard.entries if entry.cell in set(cells)]
    return frozenset(EpisodeId(cell, min(seeds), 0) for cell in cells) if seeds else frozenset()


def _under(prefix: str, columns: Columns) -> Columns:
    return {name.removeprefix(f"{prefix}."): own for name, own in columns.items() if name.startswith(f"{prefix}.")}
