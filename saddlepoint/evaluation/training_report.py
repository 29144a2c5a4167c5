"""From a training that has succeeded to its report: arithmetic and words only."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from saddlepoint.evaluation.comparison_remarks import number_text, verdict
from saddlepoint.schemas.comparisons import ComparisonResult
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.training_reports import TrainingReport
from saddlepoint.schemas.trainings import DEFENSES, CurvePoint, TrainingRecord, resolve_config

_LOST_SHARE = 0.5
"""Of what the acting policy had gained at its best; a curve that ends with less of it is pointed at."""


def make_training_report(
    record: TrainingRecord,
    finished_at: datetime,
    curve: Sequence[CurvePoint],
    card: PolicyCard,
    comparison: ComparisonResult | None,
) -> TrainingReport:
    """The report of the training `record` that published `card`. Equal arguments give equal reports."""
    lineage = card.lineage
    steps = max([lineage.steps if lineage else 0, *(point.steps for point in curve)])
    return TrainingReport(
        id=record.id,
        created_at=record.created_at,
        finished_at=finished_at,
        spec=record.spec,
        config=resolve_config(record.spec),
        acts_on=DEFENSES[record.spec.method].acts_on,
        steps=steps,
        training_s=training_s(curve),
        curve=list(curve),
        policy=card.model_dump(mode="json"),
        comparison=comparison,
        verdict=_verdict(record, steps, curve, comparison),
        warnings=[*_of_curve(curve), *(comparison.warnings if comparison else [])],
        versions=lineage.versions if lineage else {},
    )


def training_s(curve: Sequence[CurvePoint]) -> float | None:
    """Seconds that the updates took, each at the speed that its point states; None where one says nothing."""
    total, before = 0.0, 0
    for point in curve:
        speed = point.extra.get("steps_per_second", 0.0)
        if speed <= 0:
            return None
        total, before = total + (point.steps - before) / speed, point.steps
    return total if curve else None


def _verdict(
    record: TrainingRecord, steps: int, curve: Sequence[CurvePoint], comparison: ComparisonResult | None
) -> str:
    if comparison is not None:
        return verdict(comparison.cells, candidate="what was trained", baseline="its parent")
    defense, returns = DEFENSES[record.spec.method], _returns(curve)
    begun = f"{defense.title} trained a policy for {steps:,} steps of {record.spec.env.id}"
    if len(returns) < 2:
        return begun
    first, last = number_text(returns[0]), number_text(returns[-1])
    return f"{begun}; the return of the policy that acts, on {defense.acts_on}, went from {first} to {last}"


def _of_curve(curve: Sequence[CurvePoint]) -> Iterator[str]:
    """What is wrong with how it learned."""
    returns = _returns(curve)
    if not returns:
        yield "No game ended during the training, so the learning curve has no returns. Train longer."
        return
    if len({point.extra.get("epsilon") for point in curve}) > 1:
        return  # the attack grew meanwhile: a return that falls is no sign of instability
    first, best, last = returns[0], max(returns), returns[-1]
    if best > first and last < best - _LOST_SHARE * (best - first):
        yield (
            f"The return of the acting policy ended at {number_text(last)}, far below its best of {number_text(best)}: "
            "the training is not stable. A smaller learning rate helps and, under attack, a smaller epsilon or one "
            "that grows from 0 (epsilon_ramp)."
        )


def _returns(curve: Sequence[CurvePoint]) -> list[float]:
    return [point.mean_return for point in curve if point.mean_return is not None]
