"""A toy that shows pictures and pays at every step."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

ENV_ID = "Pictures-v0"
Bytes = NDArray[np.uint8]


class Pictures(gymnasium.Env[Bytes, np.int64]):
    """Stacks of noise, for ever; an action pays its number."""

    def __init__(self) -> None:
        self.observation_space = Box(0, 255, (4, 84, 84), np.uint8)
        self.action_space = Discrete(6)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Bytes, dict[str, Any]]:
        super().reset(seed=seed)
        return self._show(), {}

    def step(self, action: np.int64) -> tuple[Bytes, float, bool, bool, dict[str, Any]]:
        return self._show(), float(action), False, False, {}

    def _show(self) -> Bytes:
        return self.np_random.integers(0, 256, (4, 84, 84), dtype=np.uint8)
