"""What an evaluation needs of an environment: lanes that play episodes independently."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from saddlepoint.schemas.environments import EnvironmentDescription

Actions = NDArray[np.int64] | NDArray[np.float32]
"""Of all lanes: (lanes,) choices numbered from 0, or (lanes, n) numbers where the space is continuous."""


@dataclass(frozen=True)
class LaneStep:
    """What one step brought, one entry a lane."""

    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    """The environment ended the episode."""
    truncated: NDArray[np.bool_]
    """A limit on its length did; never together with `terminated`."""


class LaneEnvironment(Protocol):
    """A fixed number of lanes, stepped together, each playing one episode at a time.

    An episode is a function of its seed and its actions: neither the lane, its neighbours, their number nor what ran
    in the lane before has a part in it. A lane is idle before its first reset and after its episode's end until the
    next: it takes any action, earns 0, never ends, and shows zeros from the step after its last one.
    """

    lanes: int
    description: EnvironmentDescription

    def reset(self, lanes: Sequence[int], seeds: Sequence[int]) -> None:
        """Start a new episode in `lanes[i]` from `seeds[i]` (`episode_seed`), in no other lane."""

    @property
    def observations(self) -> NDArray[Any]:
        """The current states, (lanes, *obs) in the environment's own dtype and units.

        Read-only, and valid until the next step or reset: copy what is kept longer.
        """

    def step(self, actions: Actions) -> LaneStep:
        """Act in every lane.

        Under a DiscreteSpace (lanes,) int64, numbered from 0 whatever the environment does; under a ContinuousSpace
        (lanes, n) float32 in the environment's units, clipped to its bounds here. Raises ActionMismatch where a lane
        that plays is given NaN.
        """

    def close(self) -> None:
        """Free the environments; calling it again does nothing."""
