"""The report of a training: the fullest that has been made."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from saddlepoint.errors import NotFound, ReportNotReady
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.training_reports import training_report_id
from saddlepoint.schemas.trainings import Training
from saddlepoint.store import Store
from saddlepoint.training_reporting import submit_training_report
from saddlepoint.work import COMPARISON, TRAINING_REPORT, find_terminal
from service.negotiation import FORMATS, choose_format
from service.rendering import is_known, tagged_response
from service.trainings import load_training_record


async def training_report_response(
    request: Request, store: Store, queue: JobQueue, training: Training, wanted: str | None
) -> Response:
    """Raises NotAcceptable, ReportNotReady, and NotFound where it cannot be made."""
    name = choose_format(wanted, request.headers.get("accept", ""))
    report_id = await run_in_threadpool(_find, store, queue, training)
    etag = f'"{report_id}-{name}"'
    key = keys.job_result(TRAINING_REPORT.name, report_id, name)
    data = b"" if is_known(request, etag) else await run_in_threadpool(store.get, key)
    return tagged_response(request, data, etag, media_type=FORMATS[name].media_type, headers=FORMATS[name].headers)


def _find(store: Store, queue: JobQueue, training: Training) -> str:
    """The id of the newest report that is there. One that lacks, as after a crash, is begun now."""
    if training.status != "succeeded":
        raise ReportNotReady(
            f"The training is {training.status}, and its report is made when it has succeeded. "
            f"Wait with GET {training.links['self']} and `Prefer: wait=60`."
        )
    stages = [*_compared(store, training), None]
    submit_training_report(store, queue, load_training_record(store, training.id), stages[0])
    for comparison in stages:
        report_id = training_report_id(training.id, comparison)
        terminal = find_terminal(store, TRAINING_REPORT, report_id)
        if terminal is not None and terminal.status == "succeeded":
            return report_id
    if terminal is not None and terminal.error is not None:
        raise NotFound(f"There will be no report of this training: {terminal.error.detail}")
    raise ReportNotReady("The report is being made by a worker; ask again in some seconds.")


def _compared(store: Store, training: Training) -> list[str]:
    """The training's comparison, if that has succeeded."""
    comparison = training.proof.comparison if training.proof else None
    terminal = find_terminal(store, COMPARISON, comparison) if comparison else None
    return [comparison] if comparison and terminal and terminal.status == "succeeded" else []
