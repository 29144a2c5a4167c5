"""A Gymnasium environment whose every number can be worked out by hand."""

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
    ) -> None:
        box = Box(0, 200, (3,), np.dtype(dtype).type)
        self.observation_space = observation_space or box
        self.action_space = action_space or Discrete(4, start=start)
        self._length = length
        self._state = np.zeros(3, dtype=dtype)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        self._state[:] = (seed, 0, 0)
        return self._state, {}

    def step(self, action: np.int64) -> tuple[NDArray[Any], float, bool, bool, dict[str, Any]]:
        self._state[1:] = (self._state[1] + 1, action)
        return self._state, float(action), bool(self._state[1] >= self._length), False, {}
