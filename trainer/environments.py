"""What training needs of an environment: lanes that tell a lost life from the end of a game."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from saddlepoint.envs.atari import make_atari_vector, pictures_of
from saddlepoint.envs.interface import Actions
from saddlepoint.envs.lanes import make_lanes
from saddlepoint.machine import rest_threads
from saddlepoint.schemas.environments import (
    EnvironmentDescription,
    EnvironmentSpec,
    describe_atari,
)


@dataclass(frozen=True)
class Outcome:
    """What one step brought, one entry a lane."""

    rewards: NDArray[np.float64]
    """Raw."""
    ended: NDArray[np.bool_]
    """The learner's episode ended: the game did, or a life was lost."""
    over: NDArray[np.bool_]
    """The game ended, or a limit on its length did it."""
    truncated: NDArray[np.bool_]
    """That limit did."""


class TrainingEnvironment(Protocol):
    """Lanes stepped together; a game is a function of its seed and its actions."""

    description: EnvironmentDescription

    def reset(self, lanes: Sequence[int], seeds: Sequence[int]) -> None:
        """Start a new game in these lanes only."""

    @property
    def observations(self) -> NDArray[Any]:
        """The current states, (lanes, *obs); after the end of a game its last one."""

    def step(self, actions: Actions) -> Outcome:
        """Act in every lane; numbers beyond the bounds of the space are clipped to them."""

    def close(self) -> None: ...


class AtariTraining:
    """One vector of emulators that ends the learner's episode with every lost life and plays the game on."""

    def __init__(self, env: EnvironmentSpec, lanes: int, *, threads: int = 1) -> None:
        self.description = describe_atari(env)
        self._lanes = lanes
        self._vector = make_atari_vector(env, lanes, training=True, threads=threads)
        self._observations, info = self._vector.reset()
        self._lives = info["lives"]

    def reset(self, lanes: Sequence[int], seeds: Sequence[int]) -> None:
        chosen = np.zeros(self._lanes, dtype=np.bool_)
        chosen[list(lanes)] = True
        ascending = [seed for _, seed in sorted(zip(lanes, seeds, strict=True))]
        self._observations, info = self._vector.reset(
            seed=np.array(ascending, dtype=np.int64), options={"reset_mask": chosen}
        )
        self._lives = info["lives"]

    @property
    def observations(self) -> NDArray[Any]:
        return pictures_of(self._observations)

    def step(self, actions: Actions) -> Outcome:
        rest_threads()  # those of the network, while the emulators' have work
        self._observations, rewards, terminated, truncated, info = self._vector.step(actions)
        life_lost = (info["lives"] < self._lives) & (info["lives"] > 0)
        self._lives = info["lives"]
        return Outcome(
            rewards=rewards.astype(np.float64),
            ended=terminated | truncated,
            over=(terminated & ~life_lost) | truncated,
            truncated=truncated & ~terminated,
        )

    def close(self) -> None:
        self._vector.close()


class GymnasiumTraining:
    """Lanes of a Gymnasium environment, where an episode is the whole of it."""

    def __init__(self, env: EnvironmentSpec, lanes: int) -> None:
        self._inner = make_lanes(env, lanes)
        self.description = self._inner.description

    def reset(self, lanes: Sequence[int], seeds: Sequence[int]) -> None:
        self._inner.reset(lanes, seeds)

    @property
    def observations(self) -> NDArray[Any]:
        return self._inner.observations

    def step(self, actions: Actions) -> Outcome:
        result = self._inner.step(actions)
        over = result.terminated | result.truncated
        return Outcome(result.rewards, over, over, result.truncated)

    def close(self) -> None:
        self._inner.close()


def make_training_environment(env: EnvironmentSpec, lanes: int, *, threads: int = 1) -> TrainingEnvironment:
    """Idle lanes of any environment that can be evaluated; `threads` step emulators side by side."""
    if env.is_atari:
        return AtariTraining(env, lanes, threads=threads)
    return GymnasiumTraining(env, lanes)
