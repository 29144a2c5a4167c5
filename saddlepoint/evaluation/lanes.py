"""What runs in the lanes of a shard: one episode each, or nothing."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saddlepoint.envs.interface import Actions
from saddlepoint.envs.seeding import episode_seed
from saddlepoint.evaluation.measures import Measures
from saddlepoint.schemas.plans import EpisodeId, EpisodeResult, PlannedCell


def digested(actions: Actions) -> list[bytes]:
    """Each lane's action as the digest of an episode takes it: four bytes of a choice, or numbers of float32."""
    rows = actions.astype("<u4") if np.issubdtype(actions.dtype, np.integer) else actions
    data, size = rows.tobytes(), rows[:1].nbytes
    return [data[at : at + size] for at in range(0, len(data), size)]


@dataclass
class Episode:
    """An episode under way. Its row of the batch is `lane`, from its first step to its last."""

    lane: int
    entry: EpisodeId
    cell: PlannedCell
    length: int = 0
    episode_return: float = 0.0
    actions: Any = field(default_factory=hashlib.sha256)

    @property
    def environment_seed(self) -> int:
        return episode_seed(self.entry.seed, self.entry.episode)

    def advance(self, action: bytes, reward: float) -> None:
        """`action` is one of `digested`."""
        self.length += 1
        self.episode_return += reward
        self.actions.update(action)

    def result(self, totals: "Totals", *, truncated: bool) -> EpisodeResult:
        return EpisodeResult(
            cell_key=self.cell.key,
            seed=self.entry.seed,
            episode=self.entry.episode,
            environment_seed=self.environment_seed,
            episode_return=self.episode_return,
            length=self.length,
            truncated=truncated,
            actions_digest=self.actions.hexdigest(),
            **totals.of(self.lane),
        )


class Totals:
    """What the measures of each lane's episode have come to."""

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._sums: dict[str, NDArray[np.float64]] = {}
        self._max_linf = np.zeros(lanes)

    def clear(self, lane: int) -> None:
        self._max_linf[lane] = 0
        for sums in self._sums.values():
            sums[lane] = 0

    def add(self, measures: Measures) -> None:
        for name, values in measures.sums.items():
            self._sums.setdefault(name, np.zeros(self._lanes))[:] += values
        np.maximum(self._max_linf, measures.linf, out=self._max_linf)

    def of(self, lane: int) -> dict[str, Any]:
        """Under the names of `EpisodeResult`."""
        return {name: float(sums[lane]) for name, sums in self._sums.items()} | {
            "max_linf": float(self._max_linf[lane])
        }
