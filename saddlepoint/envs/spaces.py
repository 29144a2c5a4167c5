"""Gymnasium's spaces in the words of the schemas."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from numpy.typing import NDArray

from saddlepoint.errors import UnsupportedEnvironment
from saddlepoint.schemas.environments import (
    BoxSpace,
    DiscreteSpace,
    EnvironmentDescription,
    EnvironmentSpec,
)


def describe_instance(
    env: EnvironmentSpec, instance: gymnasium.Env[Any, Any], max_episode_steps: int | None
) -> EnvironmentDescription:
    """The spaces of a made environment; UnsupportedEnvironment unless Box in, Discrete out."""
    return EnvironmentDescription(
        env=env.resolved(),
        observation=_box(env.id, instance.observation_space),
        action=_discrete(env.id, instance.action_space),
        max_episode_steps=max_episode_steps,
    )


def _box(env_id: str, space: Space[Any]) -> BoxSpace:
    if not isinstance(space, Box):
        raise UnsupportedEnvironment(
            f"Observations must be a Box, an array of numbers that can be perturbed; {env_id} has "
            f"{type(space).__name__}. Evaluate an environment with Box observations."
        )
    if space.dtype.kind not in "fiu" or 0 in space.shape:
        raise UnsupportedEnvironment(
            f"Observations must be a non-empty array of integers or floats; {env_id} has "
            f"{space.dtype} of shape {space.shape}."
        )
    return BoxSpace(shape=space.shape, dtype=str(space.dtype), low=_bound(space.low), high=_bound(space.high))


def _bound(side: NDArray[Any]) -> float | list[float | None] | None:
    values = [float(value) if np.isfinite(value) else None for value in side.ravel()]
    return values[0] if len(set(values)) == 1 else values


def _discrete(env_id: str, space: Space[Any]) -> DiscreteSpace:
    if not isinstance(space, Discrete):
        raise UnsupportedEnvironment(
            f"Actions must be Discrete, one number out of n; {env_id} has {type(space).__name__}. "
            "Evaluate an environment with Discrete actions."
        )
    return DiscreteSpace(n=int(space.n), start=int(space.start))
