"""What each attack on an action of numbers raises, as pure functions of a Gaussian's mean and deviation.

A policy that plays one action has no probabilities to compare: `ce`, `kl` and `max` raise the squared distance of that
action from the clean one (Mandlekar et al. 2017), `min` lowers that from the corner it is pulled to.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from saddlepoint.schemas.attacks import Objective
from saddlepoint.schemas.environments import ContinuousSpace

INSIDE = 1 - 1e-6
"""The bounds of a tanh, beyond which its inverse is infinite."""


@dataclass(frozen=True)
class Gaussian:
    """A diagonal Gaussian of each row, before squashing: (N, D) each."""

    mean: Tensor
    log_std: Tensor


def ce_loss(perturbed: Gaussian, clean: Gaussian, target: Tensor) -> Tensor:
    """The cross entropy E_x[-log pi(.|s)], less D/2 log 2 pi."""
    del target
    spread = (2 * perturbed.log_std).exp() + (perturbed.mean - clean.mean).square()
    return (clean.log_std + spread / (2 * (2 * clean.log_std).exp())).sum(dim=1)


def kl_loss(perturbed: Gaussian, clean: Gaussian, target: Tensor) -> Tensor:
    """KL(pi(.|s) || pi(.|x))."""
    del target
    spread = (2 * clean.log_std).exp() + (perturbed.mean - clean.mean).square()
    terms = perturbed.log_std - clean.log_std + spread / (2 * (2 * perturbed.log_std).exp()) - 0.5
    return terms.sum(dim=1)


def max_loss(perturbed: Gaussian, clean: Gaussian, target: Tensor) -> Tensor:
    """-log pi(m|x), m the clean mean, less D/2 log 2 pi."""
    del target
    return _surprise(perturbed, clean.mean)


def min_loss(perturbed: Gaussian, clean: Gaussian, target: Tensor) -> Tensor:
    """log pi(b|x), b the corner of the action space farthest from the clean mean, plus D/2 log 2 pi."""
    del clean
    return -_surprise(perturbed, target)


OBJECTIVES: dict[Objective, Callable[[Gaussian, Gaussian, Tensor], Tensor]] = {
    "ce": ce_loss,
    "kl": kl_loss,
    "max": max_loss,
    "min": min_loss,
}


def distance_loss(objective: Objective, played: Tensor, clean: Tensor, corner: Tensor) -> Tensor:
    """The same for the action that is played, (N, D) each, in the environment's units squared."""
    if objective == "min":
        return -(played - corner).square().sum(dim=1)
    return (played - clean).square().sum(dim=1)


FLAT_AT_CLEAN: frozenset[Objective] = frozenset({"ce", "kl", "max"})
"""Objectives whose gradient with respect to the mean is 0 at the clean observation."""


@dataclass(frozen=True)
class ActionBounds:
    """Of the environment's actions, (D,) float32 each, infinite where there is none."""

    low: Tensor
    high: Tensor

    @classmethod
    def of(cls, space: ContinuousSpace) -> "ActionBounds":
        return cls(_bound(space.low, -math.inf, space.n), _bound(space.high, math.inf, space.n))

    def executed(self, mean: Tensor, *, squash: bool) -> Tensor:
        """The action that is played for a mean (N, D) before squashing."""
        if squash:
            low, high = self._of_tanh
            return low + (mean.tanh() + 1) / 2 * (high - low)
        return torch.clamp(mean, self.low, self.high)

    def farthest(self, mean: Tensor, *, squash: bool) -> Tensor:
        """The corner of the space farthest from the action that is played for a mean, before squashing."""
        if squash:
            return torch.where(mean > 0, -INSIDE, INSIDE).atanh()
        is_low = self.executed(mean, squash=False) > (self.low + self.high) / 2
        return torch.where(is_low, self.low, self.high)

    @cached_property
    def _of_tanh(self) -> tuple[Tensor, Tensor]:
        """What a tanh is spread over: the bounds, or -1..1 as it is where a number has none."""
        has_bounds = self.low.isfinite() & self.high.isfinite()
        return torch.where(has_bounds, self.low, -1.0), torch.where(has_bounds, self.high, 1.0)


def _bound(value: float | list[float | None] | None, missing: float, count: int) -> Tensor:
    if value is None or isinstance(value, int | float):
        return torch.full((count,), missing if value is None else value, dtype=torch.float32)
    return torch.tensor([missing if entry is None else entry for entry in value], dtype=torch.float32)


def _surprise(policy: Gaussian, action: Tensor) -> Tensor:
    terms = policy.log_std + (action - policy.mean).square() / (2 * (2 * policy.log_std).exp())
    return terms.sum(dim=1)
