"""Which lanes play, and for how long: the bookkeeping that every kind of lane shares."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from saddlepoint.envs.interface import LaneStep


class LaneClock:
    """Counts the agent steps of each lane's episode, cuts it at a limit and marks it idle at its end."""

    def __init__(self, lanes: int, limit: int | None) -> None:
        self.playing = np.zeros(lanes, dtype=np.bool_)
        self._elapsed = np.zeros(lanes, dtype=np.int64)
        self._limit = np.iinfo(np.int64).max if limit is None else limit

    def start(self, lanes: Sequence[int]) -> None:
        """A new episode in these lanes."""
        self.playing[list(lanes)] = True
        self._elapsed[list(lanes)] = 0

    def advance(
        self,
        rewards: NDArray[np.float64],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
    ) -> LaneStep:
        """What the environment reported, without what idle lanes did and with the limit applied."""
        self._elapsed += self.playing
        ended = terminated & self.playing
        cut = (truncated | (self._elapsed >= self._limit)) & self.playing & ~ended
        step = LaneStep(np.where(self.playing, rewards, 0.0), ended, cut)
        self.playing &= ~(ended | cut)
        return step


def shortest(*limits: int | None) -> int | None:
    """The tightest of several limits, of which any may be absent."""
    return min((limit for limit in limits if limit is not None), default=None)
