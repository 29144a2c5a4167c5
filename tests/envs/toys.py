"""Gymnasium environments whose every number can be worked out by hand."""

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from numpy.typing import NDArray


class Counter(gymnasium.Env[NDArray[Any], np.int64]):
    """Observes (seed, steps so far, last action); pays the action; ends after `length` steps."""

    def __init__(
        self,
        length: int = 3,
        dtype: str = "float32",
        start: int = 0,
        observation_space: Space[Any] | None = None,
        action_space: Space[Any] | None = None,
        keeps_last_action: bool = False,
    ) -> None:
        box = Box(0, 200, (3,), np.dtype(dtype).type)
        self.observation_space = observation_space or box
        self.action_space = action_space or Discrete(4, start=start)
        self._length = length
        self._keeps_last_action = keeps_last_action
        self._state = np.zeros(3, dtype=dtype)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        self._state[:] = (seed, 0, self._state[2] if self._keeps_last_action else 0)
        return self._state, {}

    def step(self, action: np.int64) -> tuple[NDArray[Any], float, bool, bool, dict[str, Any]]:
        self._state[1:] = (self._state[1] + 1, action)
        return self._state, float(action), bool(self._state[1] >= self._length), False, {}


class Echo(gymnasium.Env[NDArray[np.float64], NDArray[Any]]):
    """Observes the action it was given, flat, and pays its sum; refuses one outside its space."""

    def __init__(self, low: Any = -1.0, high: Any = 1.0, shape: tuple[int, ...] = (2,), dtype: str = "float32") -> None:
        kind = np.dtype(dtype).type
        self.action_space = Box(np.full(shape, low, kind), np.full(shape, high, kind), dtype=kind)
        self.observation_space = Box(-np.inf, np.inf, (math.prod(shape),), np.float64)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        return np.zeros(self.observation_space.shape or ()), {}

    def step(self, action: NDArray[Any]) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(action)
        return action.ravel().astype(np.float64), float(action.sum()), False, False, {}
