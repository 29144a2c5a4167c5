"""What a policy's head means: drawing actions from it, their log-probabilities, and its randomness."""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from saddlepoint.attacks.continuous import ActionBounds
from saddlepoint.attacks.heads import CATEGORICAL, Continuous, Head
from saddlepoint.schemas.environments import ContinuousSpace, DiscreteSpace

_ENTROPY = 0.5 * (1 + math.log(2 * math.pi))
"""Of a standard normal number, in nats."""


class Distribution(Protocol):
    """The meaning of the (N, K) float32 numbers that a network gives for N observations."""

    def sample(self, head: Tensor, generator: torch.Generator) -> Tensor:
        """One action a row, on the CPU; the same generator state gives the same actions on every device."""

    def executed(self, actions: Tensor) -> Tensor:
        """What the environment is given for samples. The samples themselves are what is learned from."""

    def log_probability(self, head: Tensor, actions: Tensor) -> Tensor:
        """(N,), nats: of one sample a row."""

    def entropy(self, head: Tensor) -> Tensor:
        """(N,), nats."""

    def divergence(self, head: Tensor, other: Tensor) -> Tensor:
        """(N,), nats: KL(head || other)."""

    def attacked_head(self, rows: int) -> Head:
        """What an attack on so many rows climbs."""


class Categorical:
    """A choice among actions by softmax; the head is (N, A) logits."""

    def sample(self, head: Tensor, generator: torch.Generator) -> Tensor:
        """(N,) int64, by the Gumbel-max trick."""
        uniform = torch.rand(head.shape, generator=generator, dtype=torch.float64)
        gumbel = -torch.log(-torch.log(uniform.clamp_min(torch.finfo(torch.float64).tiny)))
        return (head.cpu().log_softmax(-1) + gumbel).argmax(-1)

    def executed(self, actions: Tensor) -> Tensor:
        return actions

    def log_probability(self, head: Tensor, actions: Tensor) -> Tensor:
        return head.log_softmax(-1).gather(-1, actions[:, None]).squeeze(-1)

    def entropy(self, head: Tensor) -> Tensor:
        log_probabilities = head.log_softmax(-1)
        return -(log_probabilities.exp() * log_probabilities).sum(-1)

    def divergence(self, head: Tensor, other: Tensor) -> Tensor:
        log_probabilities = head.log_softmax(-1)
        return (log_probabilities.exp() * (log_probabilities - other.log_softmax(-1))).sum(-1)

    def attacked_head(self, rows: int) -> Head:
        return CATEGORICAL


@dataclass(frozen=True)
class Gaussian:
    """A diagonal Gaussian, mean and log_std side by side: (N, 2D).

    What is executed is its sample, clipped to the bounds or, under `squash`, taken to them by a tanh. Probabilities and
    entropy are those of the sample before: the clipped ratio is the same, and clipping has no density (baselines).
    """

    bounds: ActionBounds
    squash: bool = False
    device: torch.device | str = "cpu"
    """Where heads are computed."""

    def sample(self, head: Tensor, generator: torch.Generator) -> Tensor:
        """(N, D) float32."""
        mean, log_std = head.cpu().chunk(2, dim=1)
        return mean + log_std.exp() * torch.randn(mean.shape, generator=generator)

    def executed(self, actions: Tensor) -> Tensor:
        return self.bounds.executed(actions, squash=self.squash)

    def log_probability(self, head: Tensor, actions: Tensor) -> Tensor:
        mean, log_std = head.chunk(2, dim=1)
        surprise = ((actions - mean) / log_std.exp()).square() / 2 + log_std
        return -(surprise + 0.5 * math.log(2 * math.pi)).sum(-1)

    def entropy(self, head: Tensor) -> Tensor:
        return (head.chunk(2, dim=1)[1] + _ENTROPY).sum(-1)

    def divergence(self, head: Tensor, other: Tensor) -> Tensor:
        (mean, log_std), (other_mean, other_log_std) = head.chunk(2, dim=1), other.chunk(2, dim=1)
        spread = (2 * log_std).exp() + (mean - other_mean).square()
        return (other_log_std - log_std + spread / (2 * (2 * other_log_std).exp()) - 0.5).sum(-1)

    def attacked_head(self, rows: int) -> Head:
        """Of a policy that plays samples, so that no row is judged by its mean."""
        bounds = ActionBounds(self.bounds.low.to(self.device), self.bounds.high.to(self.device))
        return Continuous(bounds, torch.zeros(rows, dtype=torch.bool, device=self.device), squash=self.squash)


def distribution_of(
    action: DiscreteSpace | ContinuousSpace, device: torch.device | str, *, squash: bool = False
) -> Distribution:
    """How actions of this space are drawn."""
    if isinstance(action, DiscreteSpace):
        return Categorical()
    return Gaussian(ActionBounds.of(action), squash, device)
