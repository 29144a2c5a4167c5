"""A toy with actions of numbers that PPO learns in seconds."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.trainings import TrainingSpec

ENV_ID = "Steering-v0"
STEPS = 16

Floats = NDArray[np.float32]


class Steering(gymnasium.Env[Floats, Floats]):
    """Shows numbers of -1..1, new ones at every step; an action costs its squared distance from the first two.

    So an episode costs nothing at best, 16 * 2/3 = 10.7 for an action of 0, and 32 more for noise of deviation 1.
    """

    def __init__(self, shown: int = 2) -> None:
        self.observation_space = Box(-1.0, 1.0, (shown,), np.float32)
        self.action_space = Box(-2.0, 2.0, (2,), np.float32)
        self._shown = np.zeros(shown, np.float32)
        self._steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Floats, dict[str, Any]]:
        super().reset(seed=seed)
        self._steps = 0
        return self._show(), {}

    def step(self, action: Floats) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        cost = float(np.square(action - self._shown[:2]).sum())
        self._steps += 1
        return self._show(), -cost, self._steps == STEPS, False, {}

    def _show(self) -> Floats:
        self._shown = self.np_random.uniform(-1.0, 1.0, len(self._shown)).astype(np.float32)
        return self._shown


def steering_spec(
    steps: int, *, env: str | EnvironmentSpec = ENV_ID, method: str = "standard", **config: object
) -> TrainingSpec:
    """Settings that learn the toy fast."""
    fast: dict[str, object] = {
        "steps": steps,
        "actors": 8,
        "horizon": 32,
        "minibatch": 64,
        "epochs": 8,
        "learning_rate": 3e-3,
        "clip": 0.2,
        "entropy_coefficient": 0.0,
        "discount": 0.0,
        "value_clip": False,
    }
    return TrainingSpec.model_validate({"env": env, "method": method, "config": fast | config, "seed": 0})
