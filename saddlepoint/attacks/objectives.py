"""What each attack on a choice among actions raises, as pure functions of logits.

Every objective here has one form: with constants u, v >= 0 and w of the clean logits,

    J(x) = log sum_a u_a exp z_a(x)  -  log sum_a v_a exp z_a(x)  +  sum_a w_a z_a(x),

a contrast of the actions to raise against the actions to lower. It is a rising function of the loss in the books (see
`loss_of_rows`), so its gradient has the same sign and PGD takes the same steps, but it does not underflow: the gradient
of a softmax is exactly 0 in float32 on most rows of a saturated policy, that of J is not. `margin` takes the highest
logit in place of the first sum.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from saddlepoint.attacks.rows import Masks
from saddlepoint.schemas.attacks import Objective

IMPOSSIBLE = -torch.inf
"""The log weight of an action that has no part in a sum."""


@dataclass(frozen=True)
class Contrast:
    """The logarithms of the weights u and v, -inf for an action left out, and w: each (N, A) float32."""

    raised: Tensor
    lowered: Tensor
    slope: Tensor | None = None
    """None where no row has one."""
    hard: Tensor | None = None
    """(N,) bool: the rows that take the highest raised logit for the first sum; None where there is none."""


@dataclass(frozen=True)
class CategoricalObjective:
    """An attack's aim: the contrast that is raised, and the loss that is reported."""

    contrast: Callable[[Tensor], Contrast]
    """(N, A) clean logits, of `value` the values of the actions -> constants of the whole loop."""
    loss: Callable[[Tensor, Tensor], Tensor]
    """(N, A) perturbed logits and the same of the clean observation -> (N,) loss, nats."""


def ce_contrast(clean: Tensor) -> Contrast:
    """Of the cross entropy -sum_a pi(a|x) log pi(a|s), the ATPA paper's Eq. 9.

    With D_a = max_b log pi(b|s) - log pi(a|s) >= 0 the cross entropy is const + sum_a pi(a|x) D_a. For logits that are
    action values over a temperature the same contrast is that of Eq. 7, -sum_a pi(a|x) Q(s, a): the paper's Theorem 1.
    In general Eq. 7 is this contrast of Q(s, .) in place of the logits: max_b Q(s, b) - Q(s, a), what an action costs.
    """
    excess = clean.amax(dim=1, keepdim=True) - clean
    return Contrast(raised=excess.log(), lowered=torch.zeros_like(clean))


def ce_loss(perturbed: Tensor, clean: Tensor) -> Tensor:
    return -(perturbed.softmax(dim=1) * clean.log_softmax(dim=1)).sum(dim=1)


def value_loss(perturbed: Tensor, values: Tensor) -> Tensor:
    """-sum_a pi(a|x) Q(s, a), in the units of the values."""
    return -(perturbed.softmax(dim=1) * values).sum(dim=1)


def max_contrast(clean: Tensor) -> Contrast:
    """Of -log pi(a*|x), a* the clean policy's most likely action (Huang et al. 2017)."""
    top = _one_hot(clean.argmax(dim=1), clean)
    return Contrast(raised=_log(~top), lowered=_log(top))


def max_loss(perturbed: Tensor, clean: Tensor) -> Tensor:
    return -_pick(perturbed.log_softmax(dim=1), clean.argmax(dim=1))


def min_contrast(clean: Tensor) -> Contrast:
    """Of log pi(a_w|x), a_w the clean policy's least likely action (Pattanaik et al. 2018, without a critic)."""
    worst = _one_hot(clean.argmin(dim=1), clean)
    return Contrast(raised=_log(worst), lowered=_log(~worst))


def min_loss(perturbed: Tensor, clean: Tensor) -> Tensor:
    return _pick(perturbed.log_softmax(dim=1), clean.argmin(dim=1))


def kl_contrast(clean: Tensor) -> Contrast:
    """Of KL(pi(.|s) || pi(.|x)) = const - sum_a pi(a|s) log pi(a|x) (Zhang et al. 2020, SA-MDP).

    Written around the top action a*: log sum_a exp z_a - z_a* + sum_a (1[a = a*] - pi(a|s)) z_a.
    """
    top = _one_hot(clean.argmax(dim=1), clean)
    return Contrast(raised=torch.zeros_like(clean), lowered=_log(top), slope=top.float() - clean.softmax(dim=1))


def kl_loss(perturbed: Tensor, clean: Tensor) -> Tensor:
    log_p = clean.log_softmax(dim=1)
    return (log_p.exp() * (log_p - perturbed.log_softmax(dim=1))).sum(dim=1)


def margin_contrast(clean: Tensor) -> Contrast:
    """Of the best other logit less that of the clean top action (Carlini and Wagner 2017)."""
    top = _one_hot(clean.argmax(dim=1), clean)
    hard = torch.ones_like(top[:, 0])
    return Contrast(raised=_log(~top), lowered=_log(top), hard=hard)


def margin_loss(perturbed: Tensor, clean: Tensor) -> Tensor:
    top = _one_hot(clean.argmax(dim=1), clean)
    return perturbed.masked_fill(top, IMPOSSIBLE).amax(dim=1) - _pick(perturbed, clean.argmax(dim=1))


OBJECTIVES: dict[Objective, CategoricalObjective] = {
    "ce": CategoricalObjective(ce_contrast, ce_loss),
    "max": CategoricalObjective(max_contrast, max_loss),
    "min": CategoricalObjective(min_contrast, min_loss),
    "value": CategoricalObjective(ce_contrast, value_loss),
    "kl": CategoricalObjective(kl_contrast, kl_loss),
    "margin": CategoricalObjective(margin_contrast, margin_loss),
}


def value(perturbed: Tensor, contrast: Contrast) -> Tensor:
    """J, (N,): what the loop raises. Its gradient is exactly 0 on a row that has nothing to raise."""
    shifted = perturbed + contrast.raised
    raised = torch.logsumexp(shifted, dim=1)
    if contrast.hard is not None:
        raised = torch.where(contrast.hard, shifted.amax(dim=1), raised)
    result = raised - torch.logsumexp(perturbed + contrast.lowered, dim=1)
    return result if contrast.slope is None else result + (contrast.slope * perturbed).sum(dim=1)


def gradient(perturbed: Tensor, contrast: Contrast) -> Tensor:
    """dJ / dz, (N, A), written out: automatic differentiation of so little takes longer than the little itself."""
    shifted = perturbed + contrast.raised
    raised = shifted.softmax(dim=1)
    if contrast.hard is not None:
        top = (shifted == shifted.amax(dim=1, keepdim=True)).float()
        raised = torch.where(contrast.hard.unsqueeze(1), top / top.sum(dim=1, keepdim=True), raised)
    result = raised - (perturbed + contrast.lowered).softmax(dim=1)
    return result if contrast.slope is None else result + contrast.slope


def contrast_of_rows(clean: Tensor, rows_of: Masks, values: Tensor | None = None) -> Contrast:
    """The contrast of a batch whose rows are under different attacks.

    `values` (N, A) are Q(s, .) where a policy gives them beside its logits; without them these stand for the values.

    A row with nothing to raise (one action; a uniform clean policy, whose cross entropy is the same everywhere) gets
    the same weights on both sides: J is 0 there, and so is its gradient. Without that an empty sum would make it NaN.
    """
    raised, lowered = torch.zeros_like(clean), torch.zeros_like(clean)
    slope = torch.zeros_like(clean) if "kl" in rows_of else None
    hard = torch.zeros_like(clean[:, 0], dtype=torch.bool) if "margin" in rows_of else None
    for kind, mask in rows_of.items():
        own = OBJECTIVES[kind].contrast(_reference(kind, clean, values))
        usable = mask & ~_is_empty(own.raised) & ~_is_empty(own.lowered)
        chosen = usable.unsqueeze(1)
        raised = torch.where(chosen, own.raised, raised)
        lowered = torch.where(chosen, own.lowered, lowered)
        if own.slope is not None:
            slope = torch.where(chosen, own.slope, torch.zeros_like(clean))
        if own.hard is not None:
            hard = usable
    return Contrast(raised, lowered, slope, hard)


def loss_of_rows(perturbed: Tensor, clean: Tensor, rows_of: Masks, values: Tensor | None = None) -> Tensor:
    """The loss in the books of each row, (N,): nats, of `margin` units of the logits, of `value` those of `values`."""
    loss = torch.zeros_like(perturbed[:, 0])
    for kind, mask in rows_of.items():
        loss = torch.where(mask, OBJECTIVES[kind].loss(perturbed, _reference(kind, clean, values)), loss)
    return loss


def _reference(kind: Objective, clean: Tensor, values: Tensor | None) -> Tensor:
    return values if kind == "value" and values is not None else clean


def _is_empty(log_weights: Tensor) -> Tensor:
    return (log_weights == IMPOSSIBLE).all(dim=1)


def _log(mask: Tensor) -> Tensor:
    return torch.where(mask, 0.0, IMPOSSIBLE)


def _one_hot(action: Tensor, like: Tensor) -> Tensor:
    return torch.zeros_like(like, dtype=torch.bool).scatter_(1, action.unsqueeze(1), True)


def _pick(rows: Tensor, action: Tensor) -> Tensor:
    return rows.gather(1, action.unsqueeze(1)).squeeze(1)
