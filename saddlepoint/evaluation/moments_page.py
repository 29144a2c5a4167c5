"""The steps that cost most, as a page shows them: Figure 6 of the ATPA paper, with what the policy then did."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from saddlepoint.evaluation.entries_chart import shift_chart
from saddlepoint.evaluation.evidence import Evidence
from saddlepoint.evaluation.formatting import number
from saddlepoint.evaluation.pictures import enlarged, shades
from saddlepoint.evaluation.png import data_uri, to_png
from saddlepoint.evaluation.traces import Moment

_ROWS = 168
"""Of a drawn frame: a smaller one is enlarged up to this."""
_MOST_ANSWERS, _MOST_NUMBERS = 4, 8
_MOST_BARS = 32
"""Entries of an observation whose shifts are drawn one by one."""


@dataclass(frozen=True)
class Answer:
    """An action and its probability, or a number of the action that is played, without and under the attack."""

    name: str
    without: float
    under: float


@dataclass(frozen=True)
class ShownMoment:
    """A step for a reader."""

    step: int
    pictures: list[tuple[str, str]]
    """Caption and data URI."""
    chart: Markup | None
    """Of an observation that is no picture."""
    moved: str
    acts: tuple[str, str] | None
    """What would have been played without the attack, and what was; None of numbers, which `answers` has."""
    answers: list[Answer]


def shown_moments(evidence: Evidence, colour: int) -> list[ShownMoment]:
    """In order of their steps."""
    moments = evidence.attacked.trace.moments
    return [_shown(evidence, moment, colour, _Tones.of(moments)) for moment in moments]


@dataclass(frozen=True)
class _Tones:
    """What all pictures of a game share: the number that is white, and how often a perturbation is magnified."""

    white: float
    factor: float

    @classmethod
    def of(cls, moments: Sequence[Moment]) -> "_Tones":
        """Pixels are 0 to 255, unless none exceeds 1; the largest perturbation of all becomes black or white."""
        lightest = max(float(moment.seen.max()) for moment in moments)
        largest = max(float(np.abs(moment.given - moment.seen).max()) for moment in moments)
        white = 255.0 if lightest > 1 else 1.0
        return cls(white, 0.5 * white / max(largest, 1e-9))


def magnification(evidence: Evidence) -> float:
    """How often perturbations are magnified; 0 where observations are no pictures."""
    moments = evidence.attacked.trace.moments
    return _Tones.of(moments).factor if moments and moments[0].seen.ndim > 1 else 0.0


def _shown(evidence: Evidence, moment: Moment, colour: int, tones: _Tones) -> ShownMoment:
    trace = evidence.attacked.trace
    is_choice = np.issubdtype(trace.actions.dtype, np.integer)
    return ShownMoment(
        step=moment.step,
        pictures=_pictures(moment, tones) if moment.seen.ndim > 1 else [],
        chart=_chart(evidence, moment, colour) if moment.seen.ndim == 1 else None,
        moved=_moved(trace.measures, moment.step),
        acts=(_name(evidence, int(moment.action_without)), _name(evidence, int(moment.action))) if is_choice else None,
        answers=_answers(evidence, moment) if is_choice else _numbers(moment),
    )


def _pictures(moment: Moment, tones: _Tones) -> list[tuple[str, str]]:
    added = 0.5 + tones.factor * (moment.given - moment.seen) / tones.white
    shown = (("seen", moment.seen / tones.white), ("added", added), ("given", moment.given / tones.white))
    return [(name, _source(shares)) for name, shares in shown]


def _source(shares: NDArray[np.floating]) -> str:
    colours = shades(shares)
    return data_uri(to_png(enlarged(colours, max(1, _ROWS // colours.shape[0]))))


def _chart(evidence: Evidence, moment: Moment, colour: int) -> Markup:
    epsilon = evidence.cell.attack.epsilon
    unit = np.array(evidence.unit or 1.0) * epsilon
    shares = np.clip((moment.given - moment.seen) / unit, -1.0, 1.0)[:_MOST_BARS]
    title = f"Step {moment.step}: the shift of each entry of the observation, as a share of epsilon"
    return Markup(shift_chart(shares.tolist(), colour, title))


def _moved(measures: dict[str, NDArray[Any]], step: int) -> str:
    if "kl" in measures:
        return f"KL {number(float(measures['kl'][step]), 2)} nats"
    return f"action shifted by {number(float(measures['shift'][step]), 3)}"


def _name(evidence: Evidence, action: int) -> str:
    return evidence.action_names[action] if evidence.action_names else f"action {action}"


def _answers(evidence: Evidence, moment: Moment) -> list[Answer]:
    """The likeliest of both, and what was played."""
    either = np.maximum(moment.without, moment.under)
    either[[int(moment.action), int(moment.action_without)]] += 1  # these two come first
    likeliest = np.argsort(-either, kind="stable")[:_MOST_ANSWERS].tolist()
    return [
        Answer(_name(evidence, action), float(moment.without[action]), float(moment.under[action]))
        for action in likeliest
    ]


def _numbers(moment: Moment) -> list[Answer]:
    pairs = zip(moment.action_without.tolist(), moment.action.tolist(), strict=True)
    return [Answer(f"action {index}", *pair) for index, pair in enumerate(pairs)][:_MOST_NUMBERS]
