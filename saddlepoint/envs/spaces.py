"""Gymnasium's spaces in the words of the schemas."""

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from numpy.typing import NDArray

from saddlepoint.errors import UnsupportedEnvironment
from saddlepoint.schemas.environments import (
    BoxSpace,
    ContinuousSpace,
    DiscreteSpace,
    EnvironmentDescription,
    EnvironmentSpec,
)


def describe_instance(
    env: EnvironmentSpec, instance: gymnasium.Env[Any, Any], max_episode_steps: int | None
) -> EnvironmentDescription:
    """The spaces of a made environment; UnsupportedEnvironment unless Box in, Box of floats or Discrete out."""
    return EnvironmentDescription(
        env=env.resolved(),
        observation=_box(env.id, instance.observation_space),
        action=_action(env.id, instance.action_space),
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


def _action(env_id: str, space: Space[Any]) -> DiscreteSpace | ContinuousSpace:
    if isinstance(space, Discrete):
        return DiscreteSpace(n=int(space.n), start=int(space.start))
    if isinstance(space, Box) and space.dtype.kind == "f" and 0 not in space.shape:
        n = math.prod(space.shape)
        return ContinuousSpace(n=n, shape=space.shape, low=_bound(space.low), high=_bound(space.high))
    found = f"a Box of {space.dtype}, shape {space.shape}" if isinstance(space, Box) else type(space).__name__
    raise UnsupportedEnvironment(
        f"Actions must be Discrete, one number out of n, or a non-empty Box of floats; {env_id} has {found}. "
        "Evaluate an environment with such actions, or wrap this one so that it has them."
    )
