"""What an attack did to each row of a batch, as numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from saddlepoint.attacks.pgd import Perturbed
from saddlepoint.evaluation.choosing import Choice

Columns = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Measures:
    """Of one step, an entry a row; all are 0 in a row that was not attacked."""

    sums: Columns
    """What adds up over an episode, under the names of `EpisodeResult`."""
    linf: NDArray[np.float64]


def measure(perturbed: Perturbed, attacked: NDArray[np.bool_], choice: Choice) -> Measures:
    """Compare the policy at the perturbed observations with the clean one, on the rows that are `attacked`."""
    columns = {
        **choice.differences(perturbed.clean_outputs, perturbed.outputs),
        "loss_sum": perturbed.loss,
        "best_loss_sum": perturbed.best_loss,
        "loss_rises": perturbed.rises,
        "zero_gradient": perturbed.zero_gradient,
    }
    sums = on_rows(attacked, columns)
    return Measures(sums={"attacked_steps": attacked.astype(np.float64), **sums}, linf=_numpy(perturbed.linf))


def compare_precisions(fast: Perturbed, fp32: Perturbed, checked: NDArray[np.bool_], choice: Choice) -> Columns:
    """What gradients of lower precision lost against fp32 ones, on the rows that are `checked`."""
    columns = {"checked_loss_sum": fast.loss, "checked_loss_fp32_sum": fp32.loss}
    flips = {"checked_flips": flips_of(fast, choice), "checked_flips_fp32": flips_of(fp32, choice)}
    columns |= {name: values for name, values in flips.items() if values is not None}
    return {"checked_steps": checked.astype(np.float64), **on_rows(checked, columns)}


def flips_of(perturbed: Perturbed, choice: Choice) -> Tensor | None:
    """Which rows changed their greedy action; None where an action is no choice of one."""
    return choice.differences(perturbed.clean_outputs, perturbed.outputs).get("flips")


def on_rows(rows: NDArray[np.bool_], columns: dict[str, Tensor]) -> Columns:
    """The columns on these rows, and 0 on the others."""
    return {name: np.where(rows, _numpy(values), 0.0) for name, values in columns.items()}


def _numpy(values: Tensor) -> NDArray[np.float64]:
    return values.double().cpu().numpy()
