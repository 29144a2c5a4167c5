"""Policies that others trained, as they upload them."""

import logging
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

from torch import Tensor, nn

from saddlepoint.policies import ImportedPolicy
from tests.policies.continuous_models import DependentGaussianMlp, GaussianMlp
from tests.policies.networks import Dueling, Impala, Mlp, export_old, frames, imported, seeded, vectors


class Perceptron(nn.Module):
    """Like SB3's, with other widths and without its critic."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, observation: Tensor) -> Tensor:
        return self.layers(observation)  # type: ignore[no-any-return]


class Critical(Perceptron):
    """The same with a value of its own, on standardised observations."""

    def __init__(self) -> None:
        super().__init__()
        self.critic = nn.Linear(4, 1)

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        x = (observation - 0.5) / 2.0
        return super().forward(x), self.critic(x).squeeze(-1)


class Jumping(nn.Module):
    """Features of 0 and 1, whose weights have no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.policy = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, observation: Tensor) -> Tensor:
        return self.policy((self.body(observation) > 0).float())  # type: ignore[no-any-return]


VECTOR, PICTURE = vectors(2), frames(2)
_MADE: dict[str, tuple[Callable[[], nn.Module], Tensor, tuple[str, ...], dict[str, Any]]] = {
    "perceptron": (Perceptron, VECTOR, ("logits",), {}),
    "critical": (Critical, VECTOR, ("logits", "value"), {}),
    "layer-norm": (lambda: Mlp(nn.ReLU, 2), VECTOR, ("logits",), {}),
    "dueling": (Dueling, VECTOR, ("q_values",), {"temperature": 0.5}),
    "impala": (Impala, PICTURE, ("logits",), {}),
    "gaussian": (GaussianMlp, VECTOR, ("mean", "log_std"), {}),
    "dependent": (DependentGaussianMlp, VECTOR, ("mean", "log_std", "value"), {}),
    "squashed": (DependentGaussianMlp, VECTOR, ("mean", "log_std", "value"), {"squash": "tanh"}),
    "jumping": (Jumping, VECTOR, ("logits",), {}),
}


@cache
def parent(kind: str) -> ImportedPolicy:
    """An uploaded policy of this kind: observations of 4 numbers, or Atari frames (`impala`)."""
    network, example, outputs, hints = _MADE[kind]
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = export_old(
            seeded(network),
            example,
            input_names=["observation"],
            output_names=list(outputs),
            dynamic_axes={name: {0: "N"} for name in ("observation", *outputs)},
            opset_version=17,
        )
    return imported(data, **hints)


def observations(policy: ImportedPolicy, rows: int = 16) -> Tensor:
    """What such a policy may see."""
    return frames(rows, seed=7) if len(policy.card.observation.shape) > 1 else vectors(rows, seed=7)
