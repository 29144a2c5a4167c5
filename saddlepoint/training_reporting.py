"""How the report of a training begins: whoever asks for it, and however often, it is made once."""

from datetime import UTC, datetime

from saddlepoint.queue import JobQueue
from saddlepoint.schemas.training_reports import TrainingReportRecord, training_report_id
from saddlepoint.schemas.trainings import TrainingRecord
from saddlepoint.store import Store
from saddlepoint.submission import submit_job
from saddlepoint.work import TRAINING_REPORT

_TIMEOUT_S = 3600.0
"""Far more than drawing takes."""


def submit_training_report(store: Store, queue: JobQueue, training: TrainingRecord, comparison_id: str | None) -> str:
    """Have the report of a training that has succeeded made, with its comparison if that has too; the report's id.

    One that failed is not tried again, since nothing that it is made of changes.
    """
    wanted = training_report_id(training.id, comparison_id)
    if not store.exists(TRAINING_REPORT.spec(wanted)):
        record = TrainingReportRecord(
            id=wanted,
            owner=training.owner,
            created_at=datetime.now(UTC),
            chunks=1,
            chunk_timeout_s=_TIMEOUT_S,
            training_id=training.id,
            comparison_id=comparison_id,
        )
        submit_job(store, queue, TRAINING_REPORT, record)
    return wanted
