"""What an attack needs of a policy's head: what it climbs, and by which loss it is reported."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, Self

import torch
from torch import Tensor

from saddlepoint.attacks import continuous, objectives
from saddlepoint.attacks.ball import by_row
from saddlepoint.attacks.continuous import ActionBounds, Gaussian
from saddlepoint.attacks.network import Critic
from saddlepoint.attacks.rows import Masks
from saddlepoint.attacks.step import zero_rows
from saddlepoint.schemas.attacks import Objective

LOWEST_LOGIT = -1e30
"""Stands for a logit of -inf (a masked action), so that differences of logits stay finite."""


@dataclass(frozen=True)
class Climbed:
    """What the loop raises: a rising function of each row's loss that does not underflow."""

    value: Callable[[Tensor], Tensor]
    """(N, K) outputs of the head -> (N,), differentiable."""
    written_out: Callable[[Tensor], Tensor] | None = None
    """(N, K) outputs of the head -> (N, K), the gradient of `value`; None leaves it to automatic differentiation."""
    at_top: Callable[[Tensor], Tensor] | None = None
    """(N, K) outputs of the head -> (N,) bool: the rows of which no outputs are higher; None says none of any."""

    def gradient(self, outputs: Tensor) -> Tensor:
        """(N, K): how the value of each row changes with its outputs."""
        if self.written_out is not None:
            return self.written_out(outputs)
        with torch.enable_grad():
            leaf = outputs.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.value(leaf).sum(), leaf)
        return gradient


class Head(Protocol):
    """The meaning of (N, K) numbers that a policy gives for N observations."""

    @property
    def flat_at_clean(self) -> frozenset[Objective]:
        """Objectives without a gradient at the clean observation."""

    def judged_by(self, critic: Critic, /) -> "Head":
        """The same head beside what the clean observations' actions are worth."""

    def climbed(self, clean: Tensor, objectives_of: Masks, /) -> Climbed:
        """What the loop raises in rows of these objectives."""

    def loss(self, outputs: Tensor, clean: Tensor, objectives_of: Masks, /) -> Tensor:
        """(N,): the loss in the books of each row."""


@dataclass(frozen=True)
class Categorical:
    """A choice among actions by softmax of logits, or of values over a temperature."""

    temperature: float = 1.0
    values: Tensor | None = None
    """(N, A): Q(s, .) of the clean observations, where something other than the head gives them."""

    @property
    def flat_at_clean(self) -> frozenset[Objective]:
        return frozenset({"kl"})

    def judged_by(self, critic: Critic) -> Self:
        return replace(self, values=critic.values)

    def logits(self, outputs: Tensor) -> Tensor:
        """(N, A), finite."""
        scaled = outputs if self.temperature == 1.0 else outputs / self.temperature
        return scaled.clamp_min(LOWEST_LOGIT)

    def climbed(self, clean: Tensor, objectives_of: Masks) -> Climbed:
        contrast = objectives.contrast_of_rows(self.logits(clean), objectives_of, self.values)

        def gradient(outputs: Tensor) -> Tensor:
            logits = self.logits(outputs)
            slope = objectives.gradient(logits, contrast) * (logits > LOWEST_LOGIT)
            return slope if self.temperature == 1.0 else slope / self.temperature

        return Climbed(lambda outputs: objectives.value(self.logits(outputs), contrast), gradient)

    def loss(self, outputs: Tensor, clean: Tensor, objectives_of: Masks) -> Tensor:
        return objectives.loss_of_rows(self.logits(outputs), self.logits(clean), objectives_of, self.values)


@dataclass(frozen=True)
class Continuous:
    """A diagonal Gaussian (mean and log_std side by side), or the action itself.

    What depends on more than the mean is judged by the action that is played: in rows that act greedily, cross entropy
    could else rise through the deviation alone, or through the mean where tanh is flat.
    """

    bounds: ActionBounds
    greedy: Tensor
    """(N,) bool: the rows that play the mean."""
    is_gaussian: bool = True
    squash: bool = False
    fixed_deviation: bool = False
    critic: Critic | None = None
    """Of the clean observations; with one, `squash` is true."""

    @property
    def flat_at_clean(self) -> frozenset[Objective]:
        return continuous.FLAT_AT_CLEAN

    def judged_by(self, critic: Critic) -> Self:
        return replace(self, critic=critic)

    def gaussian(self, outputs: Tensor) -> Gaussian:
        """Before squashing; an action counts as a Gaussian of deviation 1."""
        if not self.is_gaussian:
            return Gaussian(outputs, torch.zeros_like(outputs))
        mean, log_std = outputs.chunk(2, dim=1)
        return Gaussian(mean, log_std)

    def played(self, outputs: Tensor) -> Tensor:
        """(N, D): the action of a row that acts greedily."""
        return self.bounds.executed(self.gaussian(outputs).mean, squash=self.squash)

    def climbed(self, clean: Tensor, objectives_of: Masks) -> Climbed:
        by_loss = Climbed(lambda outputs: self.loss(outputs, clean, objectives_of))

        def gradient(outputs: Tensor) -> Tensor:
            slope = by_loss.gradient(outputs)
            stuck = zero_rows(slope)
            if bool(stuck.any()):
                return torch.where(by_row(stuck, slope), self._way_back(outputs, clean, objectives_of), slope)
            return slope

        def at_top(outputs: Tensor) -> Tensor:
            by_distance = self._by_action() & ~objectives_of.get("value", torch.zeros_like(self.greedy))
            corner, is_left = self._corner(outputs, clean)
            return by_distance & (corner.isfinite() & ~is_left).all(1)

        return Climbed(by_loss.value, gradient, at_top)

    def loss(self, outputs: Tensor, clean: Tensor, objectives_of: Masks) -> Tensor:
        policy, origin = self.gaussian(outputs), self.gaussian(clean)
        played, origin_played = self.played(outputs), self.played(clean)
        corner = self.bounds.farthest(origin.mean, squash=self.squash)
        corner_played = self.bounds.executed(corner, squash=self.squash)
        by_action, loss = self._by_action(), torch.zeros_like(outputs[:, 0])
        for kind, mask in objectives_of.items():
            if kind == "value":
                loss = torch.where(mask, self._cost(policy.mean.tanh()), loss)
                continue
            of_policy = continuous.OBJECTIVES[kind](policy, origin, corner)
            of_action = continuous.distance_loss(kind, played, origin_played, corner_played)
            loss = torch.where(mask, torch.where(by_action, of_action, of_policy), loss)
        return loss

    def _way_back(self, outputs: Tensor, clean: Tensor, objectives_of: Masks) -> Tensor:
        """(N, K): where to move a mean whose action lies at a bound, so that no small step of it changes the loss.

        Towards the far corner in rows that are judged by their action, and in those of `value` as the critic would have
        the action itself move. 0 in other rows.
        """
        corner, is_left = self._corner(outputs, clean)
        leads = by_row(self._by_action(), corner) & corner.isfinite() & is_left
        back = torch.where(leads, corner - self.gaussian(outputs).mean, 0.0)
        if "value" in objectives_of:
            with torch.enable_grad():
                action = self.gaussian(outputs).mean.tanh().detach().requires_grad_()
                (of_action,) = torch.autograd.grad(self._cost(action).sum(), action)
            back = torch.where(by_row(objectives_of["value"], outputs), of_action, back)
        return torch.cat([back, torch.zeros_like(back)], dim=1) if self.is_gaussian else back

    def _corner(self, outputs: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
        """(N, D) each: the far corner, infinite where there is no bound, and whether a mean has yet to reach it."""
        mean, origin = self.gaussian(outputs).mean, self.gaussian(clean).mean
        corner = self.bounds.farthest(origin, squash=self.squash)
        return corner, (corner - mean) * (corner - origin) > 0

    def _cost(self, action: Tensor) -> Tensor:
        """(N,): -Q(s, action), Eq. 7 for actions in -1..1 that are played without chance."""
        if self.critic is None:
            raise ValueError("`value` of actions of numbers needs the policy's critic")
        return -self.critic.value_of(action)

    def _by_action(self) -> Tensor:
        """(N,) bool: the rows that are judged by the action that is played."""
        if not self.is_gaussian:
            return torch.ones_like(self.greedy)
        is_plain = self.fixed_deviation and not self.squash
        return torch.zeros_like(self.greedy) if is_plain else self.greedy


CATEGORICAL = Categorical()
