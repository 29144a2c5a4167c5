"""The gate as a flow: an evaluation, perhaps a comparison with a baseline, and the one verdict on both."""

import sys
from asyncio import CancelledError
from pathlib import Path

from clients.comparison import ComparisonReport
from clients.gated import Gated
from clients.jobs import EVALUATIONS, Evaluated, id_of
from clients.operations import Environment, Operations
from clients.progress import Progress
from clients.report import Report
from clients.requests import Card, SpecFields
from clients.wire import Flow
from saddlepoint.errors import InvalidRequest
from saddlepoint.schemas.checks import Check, no_regression, unchanged
from saddlepoint.schemas.gates import Thresholds, check_asked, decide

Subject = str | Path | Evaluated
"""A policy (a file, or the id of one) that is evaluated first, or an evaluation, by itself, its report or its id."""


def gate(
    operations: Operations,
    subject: Subject,
    env: Environment | None,
    card: Card | None,
    progress: Progress,
    thresholds: Thresholds,
    baseline: Evaluated | None,
    spec: SpecFields,
) -> Flow[Gated]:
    """Evaluate `subject` where an environment is given, and hold its report against thresholds and a baseline.

    That something is asked and that the baseline is there is seen to before anything is played.
    """
    check_asked(thresholds, has_baseline=baseline is not None)
    if baseline is not None:
        yield from operations.job(EVALUATIONS, id_of(baseline))
    if env is None:
        report = yield from _report_of(operations, subject, card, progress, spec)
    elif isinstance(subject, str | Path):
        report = yield from operations.robustness_report(subject, env, card, progress, spec)
    else:
        raise InvalidRequest(f"An evaluation has its environment; leave env out to judge {id_of(subject)}.")
    regression, comparison = yield from _against(operations, baseline, report)
    return Gated(report, decide(report, thresholds, regression), comparison)


def _report_of(
    operations: Operations, subject: Subject, card: Card | None, progress: Progress, spec: SpecFields
) -> Flow[Report]:
    """Of an evaluation that is there, once it has ended."""
    given = [*spec, *(["card"] if card is not None else [])]
    if isinstance(subject, Path) or (isinstance(subject, str) and Path(subject).exists()) or given:
        what = f"{given[0]} is of an evaluation to come" if given else f"{str(subject)!r} is a policy"
        raise InvalidRequest(f"A policy is evaluated in an environment, and {what}; give env.")
    if isinstance(subject, Report):
        return subject
    evaluation_id = id_of(subject)
    try:
        yield from operations.wait(EVALUATIONS, evaluation_id, progress)
    except (KeyboardInterrupt, CancelledError):
        sys.stderr.write(f"{operations.parting.from_evaluation(evaluation_id)}\n")
        raise
    return (yield from operations.report(evaluation_id))


def _against(
    operations: Operations, baseline: Evaluated | None, report: Report
) -> Flow[tuple[Check | None, ComparisonReport | None]]:
    if baseline is None:
        return None, None
    if id_of(baseline) == report.id:
        return unchanged(report), None
    comparison = yield from operations.compare([id_of(baseline)], [report.id])
    return no_regression(report, comparison), comparison
