"""Passing or failing a policy by its report: the one verdict that exit codes, JUnit files and badges come from.

A number passes by the end of its 95% interval that is worse for the policy, never by the number itself: a gate that
judges means lets luck through, and more so the fewer episodes there are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.base import Schema
from saddlepoint.schemas.checks import Check, CheckName, attacks_worked
from saddlepoint.schemas.reports import RobustnessReport, WorstCase

HOLDS, HALF, NOTHING_LEFT = 0.9, 0.5, 0.1

Standing = Literal["holds", "unproven", "weakened", "loses", "undone"]


class Thresholds(Schema):
    """What the worst case found must reach; what is None is not asked for."""

    min_normalized: float | None = None
    """Of (worst case - random policy) / (clean - random policy)."""
    min_mean: float | None = None
    """Of the mean return."""
    max_drop: float | None = Field(default=None, ge=0)
    """Of the paired loss of return against no attack. It has no form relative to the clean return: scores may be
    negative, and the relative one that has a meaning is `min_normalized`."""

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return self != Thresholds()


class Gate(Schema):
    """What a gate decided: passed where every check did."""

    passed: bool
    sentence: str
    """The decision in one sentence; where several checks failed, the first of them."""
    checks: list[Check]

    @property
    def failures(self) -> list[str]:
        """Every reason against."""
        return [check.sentence for check in self.checks if not check.passed]


@dataclass(frozen=True)
class _Measure:
    """How a threshold is held against a worst case; `sign` is -1 where the value must not exceed it."""

    name: CheckName
    title: str
    value: Callable[[WorstCase], float | None]
    bound: Callable[[WorstCase], float | None]
    sign: Literal[1, -1]


_MEASURES = (
    _Measure(
        "min_normalized",
        "normalised worst case",
        lambda worst: worst.normalized,
        lambda worst: worst.normalized_ci95 and worst.normalized_ci95[0],
        1,
    ),
    _Measure(
        "min_mean",
        "mean return of the worst case",
        lambda worst: worst.mean,
        lambda worst: worst.ci95 and worst.ci95[0],
        1,
    ),
    _Measure(
        "max_drop",
        "loss of return in the worst case",
        lambda worst: None if worst.difference_to_clean is None else 0.0 - worst.difference_to_clean,  # never -0
        lambda worst: worst.difference_ci95 and 0.0 - worst.difference_ci95[0],
        -1,
    ),
)


def decide(report: RobustnessReport, thresholds: Thresholds, regression: Check | None = None) -> Gate:
    """Whether the worst case found reaches every threshold, by attacks that worked, and is no worse than a baseline.

    What cannot be judged fails: a number that is not there, one without an interval, attacks that did not work.
    `regression` is what `checks.no_regression` or `checks.unchanged` found. Raises InvalidSpec where nothing is asked.
    """
    check_asked(thresholds, has_baseline=regression is not None)
    asked = [(measure, getattr(thresholds, measure.name)) for measure in _MEASURES]
    checks = [_worst_case(measure, threshold, report) for measure, threshold in asked if threshold is not None]
    return _concluded([*checks, *([regression] if regression else []), attacks_worked(report)])


def check_asked(thresholds: Thresholds, *, has_baseline: bool) -> None:
    """Before a long evaluation as well as after it. Raises InvalidSpec where nothing is asked."""
    if not (thresholds.any or has_baseline):
        raise InvalidSpec(
            "A gate needs something to hold the report against: give min_normalized, min_mean, max_drop or a baseline."
        )


def standing(worst: WorstCase) -> Standing | None:
    """Where no threshold is given, how the policy stands; None where its score cannot be normalised.

    That it holds is only said where the whole interval lies above nine tenths of the lead over a random policy.
    """
    if worst.normalized is None:
        return None
    if worst.normalized >= HOLDS:
        return "holds" if worst.normalized_ci95 and worst.normalized_ci95[0] >= HOLDS else "unproven"
    if worst.normalized >= HALF:
        return "weakened"
    return "loses" if worst.normalized > NOTHING_LEFT else "undone"


def _concluded(checks: list[Check]) -> Gate:
    failed = [check for check in checks if not check.passed]
    if not failed:
        return Gate(passed=True, sentence=f"Passed: {_inner(checks[0].sentence)}", checks=checks)
    others = f" ({len(failed) - 1} more of {len(checks)} checks failed.)" if len(failed) > 1 else ""
    return Gate(passed=False, sentence=f"Failed: {_inner(failed[0].sentence)}{others}", checks=checks)


def _inner(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _worst_case(measure: _Measure, threshold: float, report: RobustnessReport) -> Check:
    worst = report.worst_case
    value, bound = (measure.value(worst), measure.bound(worst)) if worst else (None, None)
    passed = bound is not None and measure.sign * (bound - threshold) >= 0
    return Check(
        name=measure.name,
        title=measure.title,
        passed=passed,
        value=value,
        bound=bound,
        threshold=threshold,
        sentence=_missing(measure, report) or _judged(measure, worst, value, bound, threshold),
    )


def _missing(measure: _Measure, report: RobustnessReport) -> str:
    """Why there is no value; empty where there is one."""
    worst = report.worst_case
    if worst is None:
        return "Nothing was attacked, so there is no worst case; add an attack, and an epsilon above 0."
    if measure.value(worst) is not None:
        return ""
    if all(cell.attack != "none" for cell in report.cells):
        return f"There is no {measure.title} without the clean return; add the attack none."
    return f"There is no {measure.title}: without attack the policy does not beat a random one."


def _judged(
    measure: _Measure, worst: WorstCase | None, value: float | None, bound: float | None, threshold: float
) -> str:
    assert worst is not None
    assert value is not None
    said = f"The {measure.title} ({_named(worst)}) is {_number(value)}"
    if bound is None:
        few = "it takes 4 episodes or more"
        near = "the clean score is too close to a random policy's, or rests on too few episodes to tell"
        return f"{said}, but without an interval that says nothing: {few if worst.ci95 is None else near}."
    ends, beyond = ("begins", "below") if measure.sign == 1 else ("ends", "above")
    said = f"{said} and its 95% interval {ends} at {_number(bound)}"
    if measure.sign * (bound - threshold) >= 0:
        return f"{said}, not {beyond} {_number(threshold)}."
    more = " More episodes may settle it." if measure.sign * (value - threshold) >= 0 else ""
    return f"{said}, {beyond} {_number(threshold)}.{more}"


def _named(worst: WorstCase) -> str:
    return "no attack" if worst.attack == "none" else f"{worst.label} at epsilon {worst.epsilon:g}"


def _number(value: float) -> str:
    return f"{value:.4g}"
