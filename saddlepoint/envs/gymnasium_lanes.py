"""Lanes of any Gymnasium environment with Box observations and Discrete or Box actions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saddlepoint.envs.actions import converter
from saddlepoint.envs.clock import LaneClock, shortest
from saddlepoint.envs.instances import make_instance, registration, resets_wholly
from saddlepoint.envs.interface import Actions, LaneStep
from saddlepoint.envs.spaces import describe_instance
from saddlepoint.schemas.environments import EnvironmentSpec


class GymnasiumLanes:
    """One environment a lane, stepped in turn.

    Gymnasium's vector entry points share one generator among their lanes, so an episode there
    depends on its neighbours; its synchronous vector cannot step some lanes and leave others. Own
    instances keep an episode a function of its seed; where a reset may leave something of the game
    before, each episode gets a new one. They carry none of Gymnasium's wrappers for order and time
    limit: the clock does both.
    """

    def __init__(self, env: EnvironmentSpec, lanes: int, *, max_episode_steps: int | None = None) -> None:
        self.lanes = lanes
        self._env = env
        self._reused = resets_wholly(env)
        self._envs = [make_instance(env) for _ in range(lanes)]
        self._spent: set[int] = set()
        self.description = describe_instance(env, self._envs[0], registration(env).max_episode_steps)
        self._convert = converter(self._envs[0].action_space)
        limit = shortest(max_episode_steps, self.description.max_episode_steps)
        self._clock = LaneClock(lanes, limit)
        box = self.description.observation
        self._observations = np.zeros((lanes, *box.shape), dtype=box.dtype)

    def reset(self, lanes: Sequence[int], seeds: Sequence[int]) -> None:
        for lane, seed in zip(lanes, seeds, strict=True):
            if lane in self._spent and not self._reused:
                self._envs[lane].close()
                self._envs[lane] = make_instance(self._env)
            self._spent.add(lane)
            self._observations[lane], _ = self._envs[lane].reset(seed=int(seed))
        self._clock.start(lanes)

    @property
    def observations(self) -> NDArray[Any]:
        return self._observations

    def step(self, actions: Actions) -> LaneStep:
        playing = self._clock.playing
        rewards = np.zeros(self.lanes, dtype=np.float64)
        terminated = np.zeros(self.lanes, dtype=np.bool_)
        truncated = np.zeros(self.lanes, dtype=np.bool_)
        taken = self._convert(actions, playing)
        self._observations[~playing] = 0
        for lane in np.flatnonzero(playing).tolist():
            self._observations[lane], rewards[lane], terminated[lane], truncated[lane], _ = self._envs[lane].step(
                taken[lane]
            )
        return self._clock.advance(rewards, terminated, truncated)

    def close(self) -> None:
        for env in self._envs:
            env.close()
