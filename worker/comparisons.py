"""Comparisons of evaluations that have succeeded, as work of a single chunk."""

from collections.abc import Callable, Sequence

from saddlepoint.errors import ArtifactNotFound, NotFound
from saddlepoint.evaluation.comparison import compare
from saddlepoint.evaluation.comparison_page import render_comparison
from saddlepoint.evaluation.comparison_table import to_markdown
from saddlepoint.evaluation.group_comparison import compare_groups
from saddlepoint.evaluation.group_page import render_groups
from saddlepoint.evaluation.group_table import groups_to_markdown
from saddlepoint.schemas import keys
from saddlepoint.schemas.comparability import setting_of
from saddlepoint.schemas.comparisons import ComparisonRecord, ComparisonResult, ComparisonSpec, ComparisonSummary
from saddlepoint.schemas.evaluations import EvaluationRecord
from saddlepoint.schemas.group_comparisons import GroupsResult
from saddlepoint.schemas.plans import Plan
from saddlepoint.schemas.reports import RobustnessReport
from saddlepoint.store import get_record
from saddlepoint.work import COMPARISON
from worker.chunks import ChunkedWork
from worker.context import Context


def _compute(context: Context, record: ComparisonRecord, chunk: int, alive: Callable[[], None]) -> bytes:
    del chunk
    spec = record.spec
    setting = _setting(context, spec.evaluations[0])

    def reports(evaluations: Sequence[str]) -> list[RobustnessReport]:
        found = [_report(context, evaluation_id) for evaluation_id in evaluations]
        alive()
        return found

    if isinstance(spec, ComparisonSpec):
        return _bytes(compare(record.id, spec, setting, reports(spec.baseline), reports(spec.candidate)))
    groups = {name: reports(evaluations) for name, evaluations in spec.groups.items()}
    return _bytes(compare_groups(record.id, spec, setting, groups, alive=alive))


def _bytes(result: ComparisonResult | GroupsResult) -> bytes:
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
    if isinstance(record.spec, ComparisonSpec):
        two = ComparisonResult.model_validate_json(data)
        html, markdown, verdict = render_comparison(two), to_markdown(two), two.verdict
    else:
        several = GroupsResult.model_validate_json(data)
        html, markdown, verdict = render_groups(several), groups_to_markdown(several), several.verdict
    return {
        keys.job_result(COMPARISON.name, record.id, "json"): data,
        keys.job_result(COMPARISON.name, record.id, "html"): html.encode(),
        keys.job_result(COMPARISON.name, record.id, "md"): markdown.encode(),
        keys.job_summary(COMPARISON.name, record.id): ComparisonSummary(verdict=verdict).model_dump_json().encode(),
    }


COMPARISONS = ChunkedWork(COMPARISON, ComparisonRecord, _compute, _fold)
