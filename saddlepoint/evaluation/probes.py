"""Whether an attack is as strong as it can be: a few of its states attacked otherwise, beside what it found there."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from saddlepoint.attacks.pgd import Perturbed
from saddlepoint.attacks.rows import Rows
from saddlepoint.evaluation.choosing import Choice
from saddlepoint.evaluation.measures import Columns, flips_of, on_rows
from saddlepoint.schemas.attacks import ResolvedAttack

HUGE = 32.0
"""Times epsilon: where nearly every action must change, unless the gradient leads nowhere."""

Attack = Callable[[Rows], Perturbed]
"""Attacks the same states, from the same start, with other rows."""


def probe(attack: Attack, rows: Rows, found: Perturbed, probed: NDArray[np.bool_], choice: Choice) -> Columns:
    """What other attacks reach on the rows that are `probed`, under the names of `EpisodeResult`."""
    longer = attack(_changed(rows, lambda own: {"steps": 2 * own.steps}))
    anew = attack(_changed(rows, lambda own: {"restarts": own.restarts + 1}))
    noise = attack(_changed(rows, _without_steps))
    huge = attack(
        _changed(rows, lambda own: {"epsilon": HUGE * own.epsilon, "step_size": HUGE * own.epsilon / 4, "restarts": 1})
    )
    columns = {
        "probe_loss_clean_sum": found.clean_loss,
        "probe_loss_sum": found.loss,
        "probe_loss_longer_sum": longer.loss,
        "probe_loss_restarted_sum": anew.loss,
        "probe_noise_wins": noise.loss > found.loss,
    }
    for name, result in (("probe_flips", found), ("probe_flips_noise", noise), ("probe_flips_huge", huge)):
        flips = flips_of(result, choice)
        columns |= {} if flips is None else {name: flips}
    return {"probe_steps": probed.astype(np.float64), **on_rows(probed, columns)}


def _without_steps(own: ResolvedAttack) -> dict[str, object]:
    """The uniform start alone, measured by the same loss; a single step has none, and lends that of its loss."""
    start = {"kind": own.objectives[0], "loss": None} if own.kind == "fgsm" else {}
    return {**start, "steps": 0, "restarts": 1}


def _changed(rows: Rows, change: Callable[[ResolvedAttack], dict[str, object]]) -> Rows:
    """The rows that take gradient steps with another attack; the others as they are."""
    moves = (rows.steps > 0).tolist()
    attacks = [
        own.model_copy(update=change(own)) if moving else own for own, moving in zip(rows.attacks, moves, strict=True)
    ]
    return Rows.of(attacks, rows.steps.device)
