"""What each attack raises, as pure functions of logits.

Every objective here has one form: with constants u, v >= 0 of the clean logits,

    J(x) = log sum_a u_a exp z_a(x)  -  log sum_a v_a exp z_a(x),

a contrast of the actions to raise against the actions to lower. It is a rising function of the loss in the books (see
`Objective.loss`), so its gradient has the same sign and PGD takes the same steps, but it does not underflow: the
gradient of a softmax is exactly 0 in float32 on most rows of a saturated policy, that of J is not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from saddlepoint.schemas.attacks import AttackKind

IMPOSSIBLE = -torch.inf
"""The log weight of an action that has no part in a sum."""


@dataclass(frozen=True)
class Contrast:
    """The logarithms of the weights u and v, each (N, A) float32; -inf for an action left out."""

    raised: Tensor
    lowered: Tensor


@dataclass(frozen=True)
class Objective:
    """An attack's aim: the contrast that is raised, and the loss that is reported."""

    contrast: Callable[[Tensor], Contrast]
    """(N, A) clean logits -> constants of the whole loop."""
    loss: Callable[[Tensor, Tensor], Tensor]
    """(N, A) perturbed and clean logits -> (N,) loss, nats."""


def ce_contrast(clean: Tensor) -> Contrast:
    """Of the cross entropy -sum_a pi(a|x) log pi(a|s), the ATPA paper's Eq. 9.

    With D_a = max_b log pi(b|s) - log pi(a|s) >= 0 the cross entropy is const + sum_a pi(a|x) D_a.
    """
    excess = clean.amax(dim=1, keepdim=True) - clean
    return Contrast(raised=excess.log(), lowered=torch.zeros_like(clean))


def ce_loss(perturbed: Tensor, clean: Tensor) -> Tensor:
    return -(perturbed.softmax(dim=1) * clean.log_softmax(dim=1)).sum(dim=1)


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


OBJECTIVES: dict[AttackKind, Objective] = {
    "ce": Objective(ce_contrast, ce_loss),
    "max": Objective(max_contrast, max_loss),
    "min": Objective(min_contrast, min_loss),
}


def value(perturbed: Tensor, contrast: Contrast) -> Tensor:
    """J, (N,): what the loop raises. Its gradient is exactly 0 on a row that has nothing to raise."""
    raised = torch.logsumexp(perturbed + contrast.raised, dim=1)
    return raised - torch.logsumexp(perturbed + contrast.lowered, dim=1)


def contrast_of_rows(clean: Tensor, rows_of: Mapping[AttackKind, Tensor]) -> Contrast:
    """The contrast of a batch whose rows are under different attacks; `rows_of` holds a (N,) mask for each.

    A row with nothing to raise (one action; a uniform clean policy, whose cross entropy is the same everywhere) gets
    the same weights on both sides: J is 0 there, and so is its gradient. Without that an empty sum would make it NaN.
    """
    raised, lowered = torch.zeros_like(clean), torch.zeros_like(clean)
    for kind, mask in rows_of.items():
        own = of_kind(kind).contrast(clean)
        chosen = (mask & ~_is_empty(own.raised) & ~_is_empty(own.lowered)).unsqueeze(1)
        raised = torch.where(chosen, own.raised, raised)
        lowered = torch.where(chosen, own.lowered, lowered)
    return Contrast(raised, lowered)


def loss_of_rows(perturbed: Tensor, clean: Tensor, rows_of: Mapping[AttackKind, Tensor]) -> Tensor:
    """The loss in the books of each row, (N,) nats."""
    loss = torch.zeros_like(perturbed[:, 0])
    for kind, mask in rows_of.items():
        loss = torch.where(mask, of_kind(kind).loss(perturbed, clean), loss)
    return loss


def of_kind(kind: AttackKind) -> Objective:
    """What an attack raises; one that raises nothing (`none`, `random`) is measured by the cross entropy."""
    return OBJECTIVES.get(kind, OBJECTIVES["ce"])


def _is_empty(log_weights: Tensor) -> Tensor:
    return (log_weights == IMPOSSIBLE).all(dim=1)


def _log(mask: Tensor) -> Tensor:
    return torch.where(mask, 0.0, IMPOSSIBLE)


def _one_hot(action: Tensor, like: Tensor) -> Tensor:
    return torch.zeros_like(like, dtype=torch.bool).scatter_(1, action.unsqueeze(1), True)


def _pick(rows: Tensor, action: Tensor) -> Tensor:
    return rows.gather(1, action.unsqueeze(1)).squeeze(1)
