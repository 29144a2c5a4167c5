"""What a gate checks: the answer to one question, and the questions that no threshold is given for."""

from collections.abc import Iterator, Sequence
from statistics import NormalDist
from typing import Literal

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.base import Schema
from saddlepoint.schemas.comparisons import ComparedCell, ComparisonResult
from saddlepoint.schemas.reports import Cell, RobustnessReport

CONFIDENCE = 0.95
NOISE = frozenset({"none", "random"})
"""Kinds that search for nothing: what they leave of a return is no evidence of robustness."""

_NO_WORSE = "no worse than the baseline"

CheckName = Literal["min_normalized", "min_mean", "max_drop", "attacks", "baseline"]


class Check(Schema):
    """One thing that was asked, and the answer."""

    name: CheckName
    title: str
    passed: bool
    value: float | None = None
    bound: float | None = None
    """The end of the value's interval that was held against the threshold."""
    threshold: float | None = None
    sentence: str
    """For a reader, complete by itself."""


def attacks_worked(report: RobustnessReport) -> Check:
    """At every epsilon that was searched, one attack that worked is enough: the worst case is that of the best one."""
    searching = [cell for cell in report.cells if cell.attack not in NOISE and cell.epsilon > 0]
    broken = [cell for cell in searching if not _worked(cell)]
    working = {cell.epsilon for cell in searching if _worked(cell)}
    unsearched = [cell for cell in broken if cell.epsilon not in working]
    if not searching:
        sentence = "Noise is no attack, and nothing else was played; add ce, max or min."
    elif unsearched:
        sentence = f"At epsilon {unsearched[0].epsilon:g} no attack worked: {'; '.join(_reasons(unsearched))}"
    else:
        others = f" Not relied on: {', '.join(cell.title for cell in broken)}." if broken else ""
        sentence = f"At every epsilon an attack worked as one.{others}"
    return Check(
        name="attacks", title="attacks that work", passed=bool(searching) and not unsearched, sentence=sentence
    )


def _worked(cell: Cell) -> bool:
    """A cell without health had no step attacked."""
    return cell.health is not None and cell.health.working


def _reasons(cells: Sequence[Cell]) -> Iterator[str]:
    for cell in cells:
        flags = cell.health.flags if cell.health else ["it never acted."]
        yield f"{cell.title}: {' '.join(flags)}"


def no_regression(report: RobustnessReport, comparison: ComparisonResult) -> Check:
    """Whether no setting's return is lower than the baseline's beyond what luck explains.

    Each setting is a chance to fail for nothing, so the intervals are widened to hold together (Bonferroni, as for
    normal means): with five settings they are 1.3 times as wide.
    """
    if comparison.spec.candidate != (report.id,):
        raise InvalidSpec(f"The comparison {comparison.id} must be of {report.id} with its baseline; it is of others.")
    factor = _widening(len(comparison.cells))
    judged = [(cell, _highest(cell, factor)) for cell in comparison.cells]
    worst, bound = min(judged, key=_severity)
    baseline = ", ".join(comparison.spec.baseline)
    setting = "without attack" if worst.attack == "none" else f"under {worst.title}"
    said = f"{setting} the return differs by {worst.difference:+.4g} from that of the baseline {baseline}"
    if bound is None:
        sentence = f"{said}, but without an interval that says nothing: play more than one episode."
    elif bound < 0:
        sentence = f"{said}, at best by {bound:+.4g}: it got worse."
    else:
        sentence = f"of {len(judged)} settings none got worse beyond chance; {said}, at best by {bound:+.4g}."
    return Check(
        name="baseline",
        title=_NO_WORSE,
        passed=bound is not None and bound >= 0,
        value=worst.difference,
        bound=bound,
        threshold=0.0,
        sentence=sentence[0].upper() + sentence[1:],
    )


def unchanged(report: RobustnessReport) -> Check:
    """Where the evaluation is the baseline itself: one specification of one policy is one evaluation."""
    return Check(
        name="baseline",
        title=_NO_WORSE,
        passed=True,
        sentence=f"The policy and how it is evaluated are those of the baseline {report.id}.",
    )


def _severity(judged: tuple[ComparedCell, float | None]) -> tuple[float, float]:
    """What cannot be judged first, then what got worse, then what fell within its noise."""
    cell, highest = judged
    return (float("-inf") if highest is None else min(highest, 0.0), cell.difference)


def _widening(count: int) -> float:
    """How much wider `count` intervals must be to hold together with the confidence of one."""
    tail = (1 - CONFIDENCE) / 2
    return NormalDist().inv_cdf(1 - tail / max(1, count)) / NormalDist().inv_cdf(1 - tail)


def _highest(cell: ComparedCell, factor: float) -> float | None:
    if cell.difference_ci95 is None:
        return None
    return cell.difference + factor * (cell.difference_ci95[1] - cell.difference)
