"""Policies made by the real stable-baselines3, untrained but not uniform, and edits of their files."""

import io
import json
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib import ARS, TRPO, MaskablePPO, RecurrentPPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor

PIXELS_LAST = spaces.Box(0, 255, (84, 84, 4), np.uint8)
"""As Atari wrappers of SB3 give them; SB3 turns them to (4, 84, 84) on the way."""
VECTOR = spaces.Box(-5.0, 5.0, (4,), np.float32)
CHOICE = spaces.Discrete(6)
ACTION = spaces.Box(np.array([-1.0, -2.5], np.float32), np.array([1.0, 3.0], np.float32))
"""Bounds of which no two are alike."""


class Stub(gymnasium.Env[Any, Any]):
    """An environment that has spaces and nothing else."""

    def __init__(self, observation: spaces.Space[Any], action: spaces.Space[Any]) -> None:
        self.observation_space, self.action_space = observation, action

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        return self.observation_space.sample(), {}


def make(
    algorithm: Callable[..., BaseAlgorithm],
    policy: str,
    observation: spaces.Space[Any],
    action: spaces.Space[Any] = CHOICE,
    *,
    use_sde: bool = False,
    **policy_kwargs: Any,
) -> BaseAlgorithm:
    """A model of SB3 with larger weights than its initial ones, so that probabilities differ."""
    options: dict[str, Any] = {"device": "cpu", "seed": 0, "policy_kwargs": policy_kwargs or None}
    if algorithm in (PPO, A2C, TRPO, MaskablePPO, RecurrentPPO):
        options["n_steps"] = 8
    elif algorithm is not ARS:
        options["buffer_size"] = 10
    if algorithm in (PPO, TRPO, MaskablePPO, RecurrentPPO):
        options["batch_size"] = 8
    if use_sde:
        options["use_sde"] = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = algorithm(policy, Stub(observation, action), **options)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.policy.named_parameters():
            if "action_net" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
            elif "log_std" in name or ".mu." in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / 5)
            elif "quantile_net.quantile_net." in name:
                parameter.mul_(10)
            elif name.endswith(".scale"):
                parameter.copy_(torch.rand(parameter.shape, generator=generator) + 0.5)
        for name, buffer in model.policy.named_buffers():
            if "ra_" in name:
                buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return model


def zip_of(model: BaseAlgorithm) -> bytes:
    """The bytes that `model.save` writes."""
    target = io.BytesIO()
    model.save(target)
    return target.getvalue()


def probabilities(model: BaseAlgorithm, observations: Tensor) -> Tensor:
    """What the policy of SB3 itself says."""
    with torch.no_grad():
        return _actor_critic(model).get_distribution(observations).distribution.probs  # type: ignore[union-attr, no-any-return]


def values(model: BaseAlgorithm, observations: Tensor) -> Tensor:
    with torch.no_grad():
        return _actor_critic(model).predict_values(observations)[:, 0]


def _actor_critic(model: BaseAlgorithm) -> ActorCriticPolicy | MaskableActorCriticPolicy:
    assert isinstance(model.policy, ActorCriticPolicy | MaskableActorCriticPolicy)
    return model.policy


def members(data: bytes) -> dict[str, bytes]:
    """The entries of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def edited(data: bytes, change: Callable[[dict[str, Any]], None]) -> dict[str, bytes]:
    """The entries of an SB3 zip after `change` has worked on its `data`."""
    entries = members(data)
    settings = json.loads(entries["data"])
    change(settings)
    return {**entries, "data": json.dumps(settings).encode()}
