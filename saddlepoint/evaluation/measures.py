"""What an attack did to each row of a batch, as numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from saddlepoint.attacks.pgd import Perturbed


@dataclass(frozen=True)
class Measures:
    """Of one step, an entry a row; all are 0 in a row that was not attacked."""

    sums: dict[str, NDArray[np.float64]]
    """What adds up over an episode, under the names of `EpisodeResult`."""
    linf: NDArray[np.float64]


def measure(perturbed: Perturbed, attacked: NDArray[np.bool_]) -> Measures:
    """Compare the policy at the perturbed observations with the clean one, on the rows that are `attacked`."""
    clean, log_q = perturbed.clean_logits.log_softmax(dim=1), perturbed.logits.log_softmax(dim=1)
    p, q = clean.exp(), log_q.exp()
    columns = {
        "flips": _flips(perturbed),
        "kl_sum": (p * (clean - log_q)).sum(dim=1).clamp_min(0.0),
        "tv_sum": (p - q).abs().sum(dim=1) / 2,
        "loss_sum": perturbed.loss,
        "best_loss_sum": perturbed.best_loss,
        "loss_rises": perturbed.rises,
        "zero_gradient": perturbed.zero_gradient,
    }
    sums = _where(attacked, columns)
    return Measures(sums={"attacked_steps": attacked.astype(np.float64), **sums}, linf=_numpy(perturbed.linf))


def compare(fast: Perturbed, fp32: Perturbed, checked: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    """What gradients of lower precision lost against fp32 ones, on the rows that are `checked`."""
    columns = {
        "checked_loss_sum": fast.loss,
        "checked_loss_fp32_sum": fp32.loss,
        "checked_flips": _flips(fast),
        "checked_flips_fp32": _flips(fp32),
    }
    return {"checked_steps": checked.astype(np.float64), **_where(checked, columns)}


def _flips(perturbed: Perturbed) -> Tensor:
    return perturbed.logits.argmax(dim=1) != perturbed.clean_logits.argmax(dim=1)


def _where(rows: NDArray[np.bool_], columns: dict[str, Tensor]) -> dict[str, NDArray[np.float64]]:
    return {name: np.where(rows, _numpy(values), 0.0) for name, values in columns.items()}


def _numpy(values: Tensor) -> NDArray[np.float64]:
    return values.double().cpu().numpy()
