"""Policies over continuous actions and values as users write them."""

import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO, SAC, TD3
from torch import Tensor, nn

from tests.policies.networks import Dueling, export_new, export_old, vectors
from tests.policies.sb3_models import Stub

DIMENSIONS = 2


class GaussianMlp(nn.Module):
    """CleanRL's ppo_continuous_action.py: a mean of the observation, a log_std that is a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.mu = nn.Linear(4, 16), nn.Linear(16, DIMENSIONS)
        self.log_std = nn.Parameter(torch.tensor([[-0.5, 0.25]]))

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        mean = self.mu(self.body(observation).tanh())
        return mean, self.log_std.expand_as(mean)


class BareGaussianMlp(GaussianMlp):
    """The same with log_std (D,) as it is."""

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(observation)[0], self.log_std[0] * 1.0


class DependentGaussianMlp(nn.Module):
    """SAC's actor: mean and log_std of the observation, the latter squashed between bounds, and a value."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.mu, self.sigma = nn.Linear(4, 16), nn.Linear(16, DIMENSIONS), nn.Linear(16, DIMENSIONS)
        self.critic = nn.Linear(16, 1)

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.body(observation).relu()
        return self.mu(x), -5 + 3.5 * (self.sigma(x).tanh() + 1), self.critic(x)


class ScaledActor(nn.Module):
    """CleanRL's ddpg_continuous_action.py: tanh, then scale and bias of the action space."""

    def __init__(self) -> None:
        super().__init__()
        self.mu = nn.Linear(4, DIMENSIONS)
        self.register_buffer("action_scale", torch.tensor([2.0, 0.5]))
        self.register_buffer("action_bias", torch.tensor([0.0, 1.0]))

    def forward(self, observation: Tensor) -> Tensor:
        return self.mu(observation).tanh() * self.action_scale + self.action_bias  # type: ignore[no-any-return]


class DuelingQ(Dueling):
    """A dueling head whose output is called by its name."""


class _Deterministic(nn.Module):
    """The wrapper of SB3's guide to exporting."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, observation: Tensor) -> Any:
        return self.inner(observation, deterministic=True)


def sb3_module(kind: type[PPO] | type[SAC] | type[TD3], dimensions: int = DIMENSIONS) -> nn.Module:
    """What SB3's guide exports: PPO's policy, or the actor of SAC and TD3."""
    torch.manual_seed(0)
    action = spaces.Box(-2.0, 2.0, (dimensions,), np.float32)
    env: gymnasium.Env[Any, Any] = Stub(spaces.Box(-5.0, 5.0, (4,), np.float32), action)
    policy = kind("MlpPolicy", env, device="cpu").policy
    inner = policy if kind is PPO else policy.actor
    assert isinstance(inner, nn.Module)
    return (inner if kind is TD3 else _Deterministic(inner)).eval()


def exported_by_guide(network: nn.Module, exporter: str, folder: Path) -> bytes:
    """The file; the newer exporter needs distributions that do not check their arguments."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "old":
            return export_old(network, vectors(1), input_names=["input"])
        torch.distributions.Distribution.set_default_validate_args(False)
        try:
            return export_new(network, vectors(1), folder)
        finally:
            torch.distributions.Distribution.set_default_validate_args(True)
