"""Reports of trainings that have succeeded, as work of a single chunk."""

from collections.abc import Callable, Sequence

from saddlepoint.errors import ArtifactNotFound, NotFound
from saddlepoint.evaluation.training_page import render_training
from saddlepoint.evaluation.training_report import make_training_report
from saddlepoint.schemas import keys
from saddlepoint.schemas.comparisons import ComparisonResult
from saddlepoint.schemas.evaluations import TerminalRecord
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.training_reports import TrainingReport, TrainingReportRecord
from saddlepoint.schemas.trainings import TrainingRecord
from saddlepoint.state import load_curve
from saddlepoint.store import get_record
from saddlepoint.work import COMPARISON, TRAINING_REPORT
from worker.chunks import ChunkedWork
from worker.context import Context


def _compute(context: Context, record: TrainingReportRecord, chunk: int, alive: Callable[[], None]) -> bytes:
    del chunk, alive
    return _report(context, record).model_dump_json().encode()


def _report(context: Context, record: TrainingReportRecord) -> TrainingReport:
    store, training_id = context.store, record.training_id
    terminal = get_record(store, keys.training_terminal(training_id), TerminalRecord)
    comparison = record.comparison_id and keys.job_result(COMPARISON.name, record.comparison_id, "json")
    try:
        return make_training_report(
            get_record(store, keys.training_spec(training_id), TrainingRecord),
            terminal.finished_at,
            load_curve(store, training_id),
            get_record(store, keys.policy_card(str(terminal.policy_id)), PolicyCard),
            get_record(store, comparison, ComparisonResult) if comparison else None,
        )
    except ArtifactNotFound as error:
        raise NotFound(
            f"The training {training_id} lacks what its report is made of; its policy or its comparison was deleted."
        ) from error


def _fold(context: Context, record: TrainingReportRecord, chunks: Sequence[bytes]) -> dict[str, bytes]:
    del context
    (data,) = chunks
    report = TrainingReport.model_validate_json(data)
    return {
        keys.job_result(TRAINING_REPORT.name, record.id, "json"): data,
        keys.job_result(TRAINING_REPORT.name, record.id, "html"): render_training(report).encode(),
    }


TRAINING_REPORTS = ChunkedWork(TRAINING_REPORT, TrainingReportRecord, _compute, _fold)
