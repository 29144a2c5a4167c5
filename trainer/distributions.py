"""What a policy's head means: drawing actions from it, their log-probabilities, and its randomness."""

from typing import Protocol

import torch
from torch import Tensor

from saddlepoint.attacks.heads import CATEGORICAL, Head


class Distribution(Protocol):
    """The meaning of the (N, K) float32 numbers that a network gives for N observations."""

    def sample(self, head: Tensor, generator: torch.Generator) -> Tensor:
        """One action a row, on the CPU; the same generator state gives the same actions on every device."""

    def log_probability(self, head: Tensor, actions: Tensor) -> Tensor:
        """(N,), nats: of one action a row."""

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
