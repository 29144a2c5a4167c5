"""How far the distributions of a batch are apart, each from each."""

from typing import Protocol

import torch
from torch import Tensor

from saddlepoint.attacks.continuous import Gaussian
from saddlepoint.attacks.heads import Categorical
from saddlepoint.schemas.plans import PolicyHead


class Divergences(Protocol):
    def __call__(self, outputs: Tensor, /) -> tuple[Tensor, Tensor | None]:
        """(N, K) outputs -> KL (N, N) float64, row || column, nats; likewise the total variation, if there is one."""


def divergences_of(head: PolicyHead) -> Divergences:
    """For a policy that has a distribution over actions."""
    if head.kind == "gaussian":
        return _of_gaussians
    categorical = Categorical(head.temperature)
    return lambda outputs: _of_categorical(categorical.logits(outputs))


def _of_categorical(logits: Tensor) -> tuple[Tensor, Tensor]:
    log_p = logits.double().log_softmax(dim=1)
    p = log_p.exp()
    kl = ((p * log_p).sum(dim=1, keepdim=True) - p @ log_p.T).clamp_min(0.0)
    return kl.fill_diagonal_(0.0), torch.cdist(p, p, p=1) / 2


def _of_gaussians(outputs: Tensor) -> tuple[Tensor, None]:
    """KL of diagonal Gaussians in closed form; a squashing of both alike leaves it as it is."""
    mean, log_std = outputs.double().chunk(2, dim=1)
    one = Gaussian(mean.unsqueeze(1), log_std.unsqueeze(1))
    other = Gaussian(mean.unsqueeze(0), log_std.unsqueeze(0))
    spread = (2 * one.log_std).exp() + (one.mean - other.mean).square()
    terms = other.log_std - one.log_std + spread / (2 * (2 * other.log_std).exp()) - 0.5
    return terms.sum(dim=2).clamp_min(0.0).fill_diagonal_(0.0), None
