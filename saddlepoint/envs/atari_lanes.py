"""Lanes of whole Atari games with raw scores, on ale-py's C++ vector environment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ale_py.vector_env import AtariVectorEnv
from numpy.typing import NDArray

from saddlepoint.envs.atari import make_atari_vector, pictures_of
from saddlepoint.envs.clock import LaneClock, shortest
from saddlepoint.envs.interface import Actions, LaneStep
from saddlepoint.schemas.environments import EnvironmentSpec, describe_atari

GROUP = 4
"""Lanes of one vector environment: groups of 4 cost 3% more than one of 32 and let idle ones rest."""


@dataclass(frozen=True)
class _Group:
    lanes: slice
    vector: AtariVectorEnv

    def masked_reset(self, chosen: NDArray[np.bool_], seeds: NDArray[np.int64]) -> NDArray[Any]:
        observations, _ = self.vector.reset(seed=seeds, options={"reset_mask": chosen})
        return pictures_of(observations)


class AtariLanes:
    """Groups of emulators; a group is stepped while one of its lanes plays.

    The vector environment starts a game of its own in a lane whose episode has ended (autoreset on
    the next step). Such a lane is idle here: the clock drops what it does, and an explicit seeded
    reset, which loads the ROM anew, ends it. Truncation by ale-py's own frame cap is passed on.
    """

    def __init__(
        self,
        env: EnvironmentSpec,
        lanes: int,
        *,
        max_episode_steps: int | None = None,
        threads: int = 1,
        noop_max: int = 30,
    ) -> None:
        self.lanes = lanes
        self.description = describe_atari(env)
        self._threads = threads
        self._groups = [
            _open_group(env, slice(start, min(start + GROUP, lanes)), noop_max) for start in range(0, lanes, GROUP)
        ]
        limit = shortest(max_episode_steps, self.description.max_episode_steps)
        self._clock = LaneClock(lanes, limit)
        shape = (lanes, *self.description.observation.shape)
        self._observations = np.zeros(shape, dtype=np.uint8)

    def reset(self, lanes: Sequence[int], seeds: Sequence[int]) -> None:
        wanted = np.zeros(self.lanes, dtype=np.bool_)
        seed_of = np.zeros(self.lanes, dtype=np.int64)
        wanted[list(lanes)] = True
        seed_of[list(lanes)] = list(seeds)
        for group in self._groups:
            chosen = wanted[group.lanes]
            if chosen.any():
                fresh = group.masked_reset(chosen, seed_of[group.lanes][chosen])
                self._observations[group.lanes][chosen] = fresh[chosen]
        self._clock.start(lanes)

    @property
    def observations(self) -> NDArray[Any]:
        return self._observations

    def step(self, actions: Actions) -> LaneStep:
        rewards = np.zeros(self.lanes, dtype=np.float64)
        terminated = np.zeros(self.lanes, dtype=np.bool_)
        truncated = np.zeros(self.lanes, dtype=np.bool_)
        for some in self._in_flight():
            for group in some:
                group.vector.send(np.ascontiguousarray(actions[group.lanes], dtype=np.int64))
            for group in some:
                frames, scores, over, cut, _ = group.vector.recv()
                self._observations[group.lanes] = pictures_of(frames)
                rewards[group.lanes] = scores
                terminated[group.lanes] = over
                truncated[group.lanes] = cut
        self._observations[~self._clock.playing] = 0
        return self._clock.advance(rewards, terminated, truncated)

    def close(self) -> None:
        for group in self._groups:
            group.vector.close()
        self._groups = []

    def _in_flight(self) -> list[list[_Group]]:
        """The groups that play, as many at a time as there are threads."""
        live = [group for group in self._groups if self._clock.playing[group.lanes].any()]
        return [live[i : i + self._threads] for i in range(0, len(live), self._threads)]


def _open_group(env: EnvironmentSpec, lanes: slice, noop_max: int) -> _Group:
    count = lanes.stop - lanes.start
    vector = make_atari_vector(env, count, training=False, threads=1, noop_max=noop_max)
    # Resets of single lanes need one full reset before; unseeded, it does not load the ROM again.
    vector.reset()
    return _Group(lanes, vector)
