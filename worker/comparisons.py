"""Comparisons of evaluations that have succeeded, as work of a single chunk."""

from collections.abc import Callable, Sequence

from saddlepoint.errors import ArtifactNotFound, NotFound
from saddlepoint.evaluation.comparison import compare
from saddlepoint.evaluation.comparison_page import render_comparison
from saddlepoint.evaluation.comparison_table import to_markdown
from saddlepoint.schemas import keys
from saddlepoint.schemas.comparability import setting_of
from saddlepoint.schemas.comparisons import ComparisonRecord, ComparisonResult, ComparisonSummary
from saddlepoint.schemas.evaluations import EvaluationRecord
from saddlepoint.schemas.plans import Plan
from saddlepoint.schemas.reports import RobustnessReport
from saddlepoint.store import get_record
from saddlepoint.work import COMPARISON
from worker.chunks import ChunkedWork
from worker.context import Context


def _compute(context: Context, record: ComparisonRecord, chunk: int, alive: Callable[[], None]) -> bytes:
    del chunk
    sides = []
    for evaluations in (record.spec.baseline, record.spec.candidate):
        sides.append([_report(context, evaluation_id) for evaluation_id in evaluations])
        alive()
    result = compare(record.id, record.spec, _setting(context, record.spec.baseline[0]), *sides)
    return result.model_dump_json().encode()


def _setting(context: Context, evaluation_id: str) -> dict[str, object]:
    """What all evaluations share; that they do was seen to before the comparison was accepted."""
    evaluation = get_record(context.store, keys.evaluation_spec(evaluation_id), EvaluationRecord)
    return setting_of(evaluation.spec, get_record(context.store, keys.evaluation_plan(evaluation_id), Plan))


def _report(context: Context, evaluation_id: str) -> RobustnessReport:
    try:
        return get_record(context.store, keys.evaluation_report(evaluation_id, "json"), RobustnessReport)
    except ArtifactNotFound as error:
        raise NotFound(
            f"The evaluation {evaluation_id} has no report to compare; send its specification again."
        ) from error


def _fold(context: Context, record: ComparisonRecord, chunks: Sequence[bytes]) -> dict[str, bytes]:
    del context
    (data,) = chunks
    result = ComparisonResult.model_validate_json(data)
    return {
        keys.job_result(COMPARISON.name, record.id, "json"): data,
        keys.job_result(COMPARISON.name, record.id, "html"): render_comparison(result).encode(),
        keys.job_result(COMPARISON.name, record.id, "md"): to_markdown(result).encode(),
        keys.job_summary(COMPARISON.name, record.id): ComparisonSummary(verdict=result.verdict)
        .model_dump_json()
        .encode(),
    }


COMPARISONS = ChunkedWork(COMPARISON, ComparisonRecord, _compute, _fold)
