"""The one PGD loop: every attack is a row of its batch.

Madry et al. 2018 (Eq. 2 of the ATPA paper): start uniform in the ball, then n times
x <- Proj(x + alpha sign grad J(x)), in an l2 ball with grad J / ||grad J|| for the sign, and the last iterate is the
perturbed observation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from saddlepoint.attacks.ball import L2, Ball, Bounds, by_row, entries, uniform_start
from saddlepoint.attacks.frames import Frames
from saddlepoint.attacks.heads import CATEGORICAL, Climbed, Head
from saddlepoint.attacks.network import Answer, AttackedNetwork, Critic, PullBack, WrittenOut
from saddlepoint.attacks.rows import Masks, Rows
from saddlepoint.attacks.square import square_search
from saddlepoint.attacks.step import ascend_, zero_rows

SMALL_START = 0.1
"""Share of epsilon from which a single step starts where its loss has no gradient at the clean observation."""


@dataclass(frozen=True)
class Perturbed:
    """What an attack did to a batch of N rows."""

    observation: Tensor
    """(N, *obs) float32: what the policy is given."""
    outputs: Tensor
    """(N, K) float32: the policy's head at the perturbed observation."""
    clean_outputs: Tensor
    loss: Tensor
    """(N,): the attack's own loss at the perturbed observation; cross entropy where it has none."""
    clean_loss: Tensor
    best_loss: Tensor
    """The highest loss of any iterate; those before the last are seen at the attack network's precision."""
    rises: Tensor
    """(N,) bool: the loss is higher than at the clean observation, judged in the form that does not underflow."""
    zero_gradient: Tensor
    """(N,) bool: some step of the row met a gradient that was zero everywhere, and not at the top."""
    linf: Tensor
    """(N,) float32: the largest |perturbation| in units of epsilon."""
    states: tuple[Tensor, ...] = ()
    """Of a recurrent policy: what it carries on from the perturbed observation."""


@dataclass(frozen=True)
class Extras:
    """What only some attacks ask for; each may be None where no row does."""

    restart_noise: Callable[[int], Tensor] | None = None
    """Number of a try, from 1 -> noise (N, *obs) to start it from."""
    frames: Frames | None = None
    streams: Sequence[np.random.Generator | None] | None = None
    """One a row: the random numbers of a search."""
    critic: Critic | None = None
    """Of the clean observations, also None where the policy has none beside its head."""


NOTHING = Extras()


@dataclass(frozen=True)
class _Attempt:
    """Where one start ended: `x` in the attack layout, the outputs of its iterates, and whether a gradient was zero."""

    x: Tensor
    iterates: list[Tensor]
    zero_gradient: Tensor


def perturb(
    network: AttackedNetwork,
    observation: Tensor,
    rows: Rows,
    noise: Tensor | None,
    bounds: Bounds,
    *,
    head: Head = CATEGORICAL,
    attack_network: AttackedNetwork | None = None,
    black_box: AttackedNetwork | None = None,
    extras: Extras = NOTHING,
) -> Perturbed:
    """Perturb every row of `observation` (N, *obs) float32 as `rows` says.

    `noise` (N, *obs) float32, uniform in [0, 1), is where the rows start; None if no row has a ball. Gradients are
    taken of `attack_network` (the same policy in the same layout, possibly at lower precision), and a search that sees
    outputs alone asks `black_box`; targets, losses and the outputs that come back are of `network`. A row's result does
    not depend on the attacks of the other rows.
    """
    if extras.critic is not None:
        head, rows = head.judged_by(extras.critic), replace(rows, has_critic=True)
    with torch.no_grad():
        arranged = network.to_attack_layout(observation)
        seen = network.forward_attack(arranged)
        clean = seen.head
        clean_loss = head.loss(clean, clean, rows.measured)
        if not rows.uses_noise:
            return _untouched(observation, seen, clean_loss)
        if noise is None:
            raise ValueError("rows with a ball need noise to start from")
        scale = None if bounds.scale is None else _arranged(network, bounds.scale, observation)[:1]
        ball = _ball(network, observation, arranged, rows, bounds, scale, extras.frames)
        search = _Search(
            network,
            attack_network or network,
            black_box or network,
            observation,
            arranged,
            rows,
            ball,
            scale,
            head,
            clean,
            extras,
        )
        found, best_loss = search.run(noise)
        given = network.forward_attack(found.x)
        outputs = given.head
        loss, measured = head.loss(outputs, clean, rows.measured), search.measured
        return Perturbed(
            observation=network.from_attack_layout(found.x),
            outputs=outputs,
            clean_outputs=clean,
            loss=loss,
            clean_loss=clean_loss,
            best_loss=torch.maximum(loss, best_loss),
            rises=measured(outputs) > measured(clean),
            zero_gradient=found.zero_gradient,
            linf=_linf(found.x - arranged, scale),
            states=given.states,
        )


@dataclass(frozen=True)
class _Search:
    """Everything that the tries of one batch share; tensors are in the attack layout."""

    network: AttackedNetwork
    attack_network: AttackedNetwork
    black_box: AttackedNetwork
    observation: Tensor
    arranged: Tensor
    rows: Rows
    ball: Ball
    scale: Tensor | None
    head: Head
    clean: Tensor
    extras: Extras

    def run(self, noise: Tensor) -> tuple[_Attempt, Tensor]:
        """The best try of each row, and the highest loss that any iterate of any of its tries had."""
        found = self._attempt(0, noise)
        best_loss = self._highest(found.iterates)
        if self.rows.tries > 1:
            found, best_loss = self._best_of_tries(found, best_loss)
        if bool((self.rows.square & (self.rows.epsilon > 0)).any()):
            found = replace(found, x=self._square(found.x))
        return found, best_loss

    def _best_of_tries(self, found: _Attempt, best_loss: Tensor) -> tuple[_Attempt, Tensor]:
        """The first try against the others, each row by the loss that it is reported by."""
        if self.extras.restart_noise is None:
            raise ValueError("rows with several tries need noise for each")
        value = self._value(found.x)
        for number in range(1, self.rows.tries):
            other = self._attempt(number, self.extras.restart_noise(number))
            takes_part = self.rows.has_try(number) & (self.rows.steps > 0)
            best_loss = torch.where(takes_part, torch.maximum(best_loss, self._highest(other.iterates)), best_loss)
            reached = self._value(other.x)
            chosen = takes_part & (reached > value)
            value = torch.where(chosen, reached, value)
            x = torch.where(by_row(chosen, found.x), other.x, found.x)
            found = replace(found, x=x, zero_gradient=found.zero_gradient | (other.zero_gradient & takes_part))
        return found, best_loss

    def _value(self, x: Tensor) -> Tensor:
        """(N,): how high each row is in what it is reported by, in the form that does not underflow."""
        return self.measured(self.network.forward_attack(x).head)

    @cached_property
    def measured(self) -> Callable[[Tensor], Tensor]:
        return self.head.climbed(self.clean, self.rows.measured).value

    def _attempt(self, number: int, noise: Tensor) -> _Attempt:
        objectives = self.rows.objectives_of_try(number)
        radius = by_row(self.rows.epsilon, self.arranged)
        radius = radius if self.scale is None else radius * self.scale
        start, share = self.network.to_attack_layout(noise), self._start_share(objectives)
        x = uniform_start(self.arranged, radius, start, self.ball, share)
        zero_gradient = torch.zeros_like(self.rows.steps, dtype=torch.bool)
        climbed = self.head.climbed(self.clean, objectives)
        iterates = _climb_(self.attack_network, x, self.ball, self.rows, climbed, zero_gradient, self.scale)
        return _Attempt(self._settle(x), iterates, zero_gradient)

    def _start_share(self, objectives: Masks) -> Tensor:
        """1, and for a single step 0, or a little where the clean observation has no gradient."""
        share = torch.ones_like(self.rows.epsilon)
        for kind, mask in objectives.items():
            flat = SMALL_START if kind in self.head.flat_at_clean else 0.0
            share = torch.where(mask & self.rows.single_step, flat, share)
        return share

    def _settle(self, x: Tensor) -> Tensor:
        """`x` as it can be given: rounded, and the same in every copy of a frame, where a row asks for it."""
        if bool(self.rows.quantized.any()):
            rounded = self.arranged + (x - self.arranged).trunc()
            x = torch.where(by_row(self.rows.quantized, x), rounded, x)
        if self.extras.frames is None:
            return x
        return self.network.to_attack_layout(self.extras.frames.tie(self.network.from_attack_layout(x)))

    def _highest(self, iterates: list[Tensor]) -> Tensor:
        """The highest loss of the iterates at which each row still moved, -inf where it never did."""
        highest = torch.full_like(self.rows.epsilon, -torch.inf)
        for step, outputs in enumerate(iterates):
            seen = self.head.loss(outputs, self.clean, self.rows.measured)
            highest = torch.where(self.rows.steps > step, torch.maximum(highest, seen), highest)
        return highest

    def _square(self, x: Tensor) -> Tensor:
        if self.extras.streams is None:
            raise ValueError("rows under a search need random numbers for it")
        back = self.network.from_attack_layout
        limits = Ball(back(self.ball.lower), back(self.ball.upper))

        def value(candidate: Tensor) -> Tensor:
            return self.measured(self.black_box.forward_attack(self.black_box.to_attack_layout(candidate)).head)

        searched = square_search(self.observation, limits, self.rows, value, self.extras.streams)
        settled = self._settle(self.network.to_attack_layout(searched))
        return torch.where(by_row(self.rows.square, x), settled, x)


def _climb_(
    network: AttackedNetwork,
    x: Tensor,
    ball: Ball,
    rows: Rows,
    climbed: Climbed,
    zero_gradient: Tensor,
    scale: Tensor | None,
) -> list[Tensor]:
    """Move `x` up the objective in place, and mark the rows that met a zero gradient; the outputs along the way."""
    scratch, seen, vjp = torch.empty_like(x), [], _vjp(network)
    for active, step_size in rows.schedule:
        outputs, pull_back = vjp(x)
        gradient = pull_back(climbed.gradient(outputs))
        zero_gradient |= active & _stuck(gradient, outputs, climbed)
        ascend_(x, gradient, step_size, ball, scale, scratch=scratch)
        seen.append(outputs)
    return seen


def _stuck(gradient: Tensor, outputs: Tensor, climbed: Climbed) -> Tensor:
    """(N,) bool: the rows without a gradient that could be higher."""
    zero = zero_rows(gradient)
    return zero & ~climbed.at_top(outputs) if climbed.at_top is not None and bool(zero.any()) else zero


def _vjp(network: AttackedNetwork) -> Callable[[Tensor], tuple[Tensor, PullBack]]:
    """The outputs at x, and what takes a gradient of them back to x; by automatic differentiation where it must."""
    written_out = network.vjp if isinstance(network, WrittenOut) else lambda x: None
    return lambda x: written_out(x) or _differentiated(network, x)


def _differentiated(network: AttackedNetwork, x: Tensor) -> tuple[Tensor, PullBack]:
    """With respect to a copy of `x` in the network's own precision: a cast inside would cost a pass each way.

    0 where no gradient comes through, as behind thresholds.
    """
    with torch.enable_grad():
        leaf = x.detach().to(network.dtype).requires_grad_()
        outputs = network.forward_attack(leaf).head
    if not outputs.requires_grad:
        return outputs, lambda gradient: torch.zeros_like(leaf)
    return outputs.detach(), lambda gradient: torch.autograd.grad(outputs, leaf, gradient, materialize_grads=True)[0]


def _untouched(observation: Tensor, seen: Answer, clean_loss: Tensor) -> Perturbed:
    never, nothing = torch.zeros_like(clean_loss, dtype=torch.bool), torch.zeros_like(clean_loss)
    return Perturbed(
        observation, seen.head, seen.head, clean_loss, clean_loss, clean_loss, never, never, nothing, seen.states
    )


def _ball(
    network: AttackedNetwork,
    observation: Tensor,
    arranged: Tensor,
    rows: Rows,
    bounds: Bounds,
    scale: Tensor | None,
    frames: Frames | None,
) -> Ball:
    low, high = (_arranged(network, bound, observation) for bound in (bounds.low, bounds.high))
    if bool(rows.unclipped.any()):
        free = by_row(rows.unclipped, arranged)
        low, high = torch.where(free, -torch.inf, low), torch.where(free, torch.inf, high)
    ball = Ball.around(arranged, rows.epsilon, low, high, scale)
    if frames is not None:
        plain = Ball(network.from_attack_layout(ball.lower), network.from_attack_layout(ball.upper))
        limited = frames.limit(observation, plain)
        ball = Ball(network.to_attack_layout(limited.lower), network.to_attack_layout(limited.upper))
    if not bool(rows.in_l2.any()):
        return ball
    return replace(ball, l2=L2(rows.in_l2, arranged, rows.epsilon, scale))


def _arranged(network: AttackedNetwork, bound: Tensor, observation: Tensor) -> Tensor:
    return bound if bound.dim() == 0 else network.to_attack_layout(bound.expand_as(observation))


def _linf(delta: Tensor, scale: Tensor | None) -> Tensor:
    return (delta if scale is None else delta / scale).abs_().amax(entries(delta))
