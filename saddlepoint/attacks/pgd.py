"""The one PGD loop: every attack is a row of its batch.

Madry et al. 2018 (Eq. 2 of the ATPA paper): start uniform in the ball, n times x <- Proj(x + alpha sign grad J(x)), and
the last iterate is the perturbed observation.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from saddlepoint.attacks import objectives
from saddlepoint.attacks.ball import Ball, Bounds, by_row, uniform_start
from saddlepoint.attacks.network import AttackedNetwork
from saddlepoint.attacks.objectives import Contrast
from saddlepoint.attacks.rows import Rows

LOWEST_LOGIT = -1e30
"""Stands for a logit of -inf (a masked action), so that differences of logits stay finite."""


@dataclass(frozen=True)
class Perturbed:
    """What an attack did to a batch of N rows."""

    observation: Tensor
    """(N, *obs) float32: what the policy is given."""
    logits: Tensor
    """(N, A) float32, at the perturbed observation."""
    clean_logits: Tensor
    loss: Tensor
    """(N,) nats: the attack's own loss at the perturbed observation; cross entropy where it has none."""
    clean_loss: Tensor
    best_loss: Tensor
    """The highest loss of any iterate; those before the last are seen at the attack network's precision."""
    rises: Tensor
    """(N,) bool: the loss is higher than at the clean observation, judged in the form that does not underflow."""
    zero_gradient: Tensor
    """(N,) bool: some step of the row met a gradient that was zero everywhere."""
    linf: Tensor
    """(N,) float32: the largest |perturbation|, at most epsilon."""


def perturb(
    network: AttackedNetwork,
    observation: Tensor,
    rows: Rows,
    noise: Tensor | None,
    bounds: Bounds,
    *,
    attack_network: AttackedNetwork | None = None,
) -> Perturbed:
    """Perturb every row of `observation` (N, *obs) float32 as `rows` says.

    `noise` (N, *obs) float32, uniform in [0, 1), is where the rows start; None if no row has a ball. Gradients are
    taken of `attack_network` (the same policy in the same layout, possibly at lower precision); targets, losses and
    the logits that come back are of `network`. A row's result does not depend on the attacks of the other rows.
    """
    with torch.no_grad():
        arranged = network.to_attack_layout(observation)
        clean = _logits(network, arranged)
        contrast = objectives.contrast_of_rows(clean, rows.masks)
        x, zero_gradient, iterates = arranged, torch.zeros_like(rows.steps, dtype=torch.bool), []
        if rows.uses_noise:
            ball = _ball(network, observation, arranged, rows, bounds)
            x = uniform_start(arranged, rows.epsilon, _arranged_noise(network, noise), ball)
            iterates = _climb_(attack_network or network, x, ball, rows, contrast, zero_gradient)
        logits = _logits(network, x) if rows.uses_noise else clean
        loss = objectives.loss_of_rows(logits, clean, rows.masks)
        return Perturbed(
            observation=network.from_attack_layout(x) if rows.uses_noise else observation,
            logits=logits,
            clean_logits=clean,
            loss=loss,
            clean_loss=objectives.loss_of_rows(clean, clean, rows.masks),
            best_loss=_best(loss, iterates, clean, rows),
            rises=objectives.value(logits, contrast) > objectives.value(clean, contrast),
            zero_gradient=zero_gradient,
            linf=(x - arranged).abs_().amax(_entries(x)),
        )


def _climb_(
    network: AttackedNetwork, x: Tensor, ball: Ball, rows: Rows, contrast: Contrast, zero_gradient: Tensor
) -> list[Tensor]:
    """Move `x` up the objective in place, and mark the rows that met a zero gradient; the logits along the way.

    Nothing as large as the batch is allocated inside the loop, except what autograd keeps.
    """
    direction = torch.empty_like(x)
    seen = []
    for step in range(rows.most_steps):
        active = rows.steps > step
        logits, gradient = _gradient(network, x, contrast)
        direction.copy_(gradient).nan_to_num_(0.0)
        zero_gradient |= active & (direction.amax(_entries(x)) == 0) & (direction.amin(_entries(x)) == 0)
        x.addcmul_(direction.sign_(), by_row(rows.step_size * active, x))
        ball.clip_(x)
        seen.append(logits)
    return seen


def _gradient(network: AttackedNetwork, x: Tensor, contrast: Contrast) -> tuple[Tensor, Tensor]:
    """Logits at `x`, and the gradient of the objective with respect to `x` alone."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        logits = _logits(network, leaf)
        value = objectives.value(logits, contrast).sum()
    (gradient,) = torch.autograd.grad(value, leaf)
    return logits.detach(), gradient


def _logits(network: AttackedNetwork, arranged: Tensor) -> Tensor:
    return network.forward_attack(arranged).logits.clamp_min(LOWEST_LOGIT)


def _best(loss: Tensor, iterates: list[Tensor], clean: Tensor, rows: Rows) -> Tensor:
    """The highest of the last loss and those of the iterates at which the row still moved."""
    for step, logits in enumerate(iterates):
        seen = objectives.loss_of_rows(logits, clean, rows.masks)
        loss = torch.where(rows.steps > step, torch.maximum(loss, seen), loss)
    return loss


def _ball(network: AttackedNetwork, observation: Tensor, arranged: Tensor, rows: Rows, bounds: Bounds) -> Ball:
    low, high = (
        bound if bound.dim() == 0 else network.to_attack_layout(bound.expand_as(observation))
        for bound in (bounds.low, bounds.high)
    )
    return Ball.around(arranged, rows.epsilon, low, high)


def _arranged_noise(network: AttackedNetwork, noise: Tensor | None) -> Tensor:
    if noise is None:
        raise ValueError("rows with a ball need noise to start from")
    return network.to_attack_layout(noise)


def _entries(x: Tensor) -> tuple[int, ...]:
    """The axes of a row."""
    return tuple(range(1, x.dim()))
