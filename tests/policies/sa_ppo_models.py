"""Checkpoints as SA-PPO's code writes them: environments with their filters, beside the networks."""

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tests.policies.networks import saved

SIZE, ACTIONS = 5, 3
_FILTERS, _ENVIRONMENTS = "policy_gradients.torch_utils", "policy_gradients.custom_env"


class Identity:
    """The filter that does nothing."""

    __module__ = _FILTERS


class RunningStat:
    """Moments as Welford's algorithm keeps them."""

    __module__ = _FILTERS

    def __init__(self, rows: NDArray[np.float64]) -> None:
        self._n, self._M = len(rows), rows.mean(0)
        self._S = ((rows - self._M) ** 2).sum(0)


class ZFilter:
    """Mean and deviation, then a clip."""

    __module__ = _FILTERS

    def __init__(self, rows: NDArray[np.float64], **attributes: Any) -> None:
        self.center, self.scale, self.clip = True, True, 2.0
        self.rs, self.prev_filter = RunningStat(rows), Identity()
        vars(self).update(attributes)


class StateWithTime:
    """The time as one number more."""

    __module__ = _FILTERS

    def __init__(self, inner: Any) -> None:
        self.prev_filter, self.horizon = inner, 1000


class Env:
    """An environment around another, with what it holds of a random generator."""

    __module__ = _ENVIRONMENTS

    def __init__(self, state_filter: Any) -> None:
        self.state_filter, self.num_features = state_filter, SIZE
        self.random = np.random.RandomState(3)


class Policy(nn.Module):
    """Mean and log_stdev of two hidden layers, or scores of actions."""

    def __init__(self, *, hidden: Sequence[int] = (8, 8), last: str = "final_mean") -> None:
        super().__init__()
        sizes = (SIZE, *hidden)
        self.affine_layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.last = last
        self.add_module(last, nn.Linear(sizes[-1], ACTIONS))
        if last == "final_mean":
            self.log_stdev = nn.Parameter(torch.tensor([-0.5, 0.0, 0.25]))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.affine_layers:
            x = layer(x).tanh()
        return self.get_submodule(self.last)(x)  # type: ignore[no-any-return]


class Critic(Policy):
    def __init__(self) -> None:
        super().__init__(last="final")
        self.final = nn.Linear(8, 1)


class Recurrent(nn.Module):
    """The policy with an LSTM, which keeps layers of a perceptron that it does not use."""

    def __init__(self) -> None:
        super().__init__()
        self.affine_layers = nn.ModuleList([nn.Linear(SIZE, 8), nn.Linear(8, 8)])
        self.final_mean = nn.Linear(8, ACTIONS)
        self.embedding_layer = nn.Linear(SIZE, 8)
        self.lstm = nn.LSTM(8, 6, batch_first=True)
        self.output_layer = nn.Linear(6, ACTIONS)
        self.log_stdev = nn.Parameter(torch.tensor([-0.5, 0.0, 0.25]))

    def forward(self, steps: Tensor) -> Tensor:
        """(N, steps, SIZE) -> the means at every step."""
        return self.output_layer(self.lstm(self.embedding_layer(steps))[0])  # type: ignore[no-any-return]


class Judge(nn.Module):
    """A critic with a memory of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding_layer, self.lstm, self.final = nn.Linear(SIZE, 8), nn.LSTM(8, 6), nn.Linear(6, 1)


def observed() -> NDArray[np.float64]:
    """(50, SIZE), of different scales."""
    return np.random.default_rng(0).normal([0, 1, -2, 0, 3], [1, 0.5, 2, 1e-3, 4], (50, SIZE))


def checkpoint(policy: nn.Module, state_filter: Any, critic: nn.Module | None = None) -> dict[str, Any]:
    """What is given to torch.save."""
    return {
        "val_model": (critic or Critic()).state_dict(),
        "policy_model": policy.state_dict(),
        "policy_opt": torch.optim.Adam(policy.parameters()).state_dict(),
        "envs": [Env(state_filter)],
        "iteration": 7,
    }


def saved_checkpoint(content: Mapping[str, Any], **options: Any) -> bytes:
    """The file, as torch.save writes it there: these classes are found under the names that they have in that code."""
    modules = {name: ModuleType(name) for name in ("policy_gradients", _FILTERS, _ENVIRONMENTS)}
    for kind in (Identity, RunningStat, ZFilter, StateWithTime, Env):
        setattr(modules[kind.__module__], kind.__name__, kind)
    with patch.dict(sys.modules, modules):
        return saved(content, **options)
