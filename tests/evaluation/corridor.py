"""An environment whose returns can be told in advance: look at the sign of a number and say it."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from saddlepoint.envs.interface import Actions, LaneStep
from saddlepoint.envs.seeding import episode_seed
from tests.attacks.toys import LinearPolicy
from tests.evaluation.plans import CORRIDOR

DISTANCE = 0.25


def length_of(seed: int, episode: int) -> int:
    return 3 + episode_seed(seed, episode) % 4


class Corridor:
    """Shows +-DISTANCE in turn. Action 0 is right for a positive number, 1 for a negative one: +1, else -1."""

    description = CORRIDOR

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.shortest = 3
        self.resets: list[tuple[int, int]] = []
        self._seeds = np.zeros(lanes, dtype=np.int64)
        self._steps = np.zeros(lanes, dtype=np.int64)

    def reset(self, lanes: Sequence[int], seeds: Sequence[int]) -> None:
        self.resets += zip(lanes, seeds, strict=True)
        self._seeds[list(lanes)] = seeds
        self._steps[list(lanes)] = 0

    @property
    def observations(self) -> NDArray[np.float64]:
        signs = 1 - 2 * ((self._seeds + self._steps) % 2)
        shown = DISTANCE * signs[:, None].astype(np.float64)
        shown.flags.writeable = False
        return shown

    def step(self, actions: Actions) -> LaneStep:
        right = (self.observations[:, 0] < 0) == (actions == 1)
        self._steps += 1
        ended = self._steps >= self.shortest + self._seeds % 4
        return LaneStep(np.where(right, 1.0, -1.0), ended, np.zeros(self.lanes, dtype=np.bool_))

    def close(self) -> None:
        pass


def honest_policy() -> LinearPolicy:
    """Says the sign it sees, with a probability of 0.92."""
    return LinearPolicy(torch.tensor([[5.0, -5.0]]))
