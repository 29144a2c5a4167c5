"""Reports in the form that a client wants."""

import hashlib

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from saddlepoint import __version__
from saddlepoint.errors import ArtifactNotFound, ReportNotReady
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import TERMINAL, Evaluation
from saddlepoint.schemas.gates import Thresholds
from saddlepoint.schemas.reports import RobustnessReport
from saddlepoint.store import Store
from service.landscape_sections import landscape_of, with_landscape
from service.negotiation import choose_format
from service.rendering import is_known, tagged_response
from service.report_forms import RENDERED, REPORT_FORMATS


async def report_response(
    request: Request, store: Store, owner: str, evaluation: Evaluation, wanted: str | None, asked: Thresholds
) -> Response:
    """The report; `asked` is the gate of forms that have one. Raises NotAcceptable, ReportNotReady, InvalidSpec."""
    name = choose_format(wanted, request.headers.get("accept", ""), REPORT_FORMATS)
    _check_ready(evaluation)
    landscape = await run_in_threadpool(landscape_of, store, owner, evaluation) if name == "html" else None
    etag = _etag(evaluation, name, asked, landscape)
    data = b"" if is_known(request, etag) else await run_in_threadpool(_form, store, evaluation, name, asked)
    if data and landscape is not None:
        data = await run_in_threadpool(with_landscape, store, data, landscape, evaluation.policy_id)
    chosen = REPORT_FORMATS[name]
    return tagged_response(request, data, etag, media_type=chosen.media_type, headers=chosen.headers)


def _etag(evaluation: Evaluation, name: str, asked: Thresholds, landscape: str | None) -> str:
    """What is stored stays; what is rendered depends on what renders it too, a page on its landscape."""
    if landscape is not None:
        return f'"{evaluation.id}-{name}-{landscape}"'
    if name not in RENDERED:
        return f'"{evaluation.id}-{name}"'
    variant = hashlib.sha256(f"{__version__} {asked.model_dump_json()}".encode()).hexdigest()[:16]
    return f'"{evaluation.id}-{name}-{variant}"'


def _form(store: Store, evaluation: Evaluation, name: str, asked: Thresholds) -> bytes:
    if name not in RENDERED:
        return _read(store, evaluation, name)
    report = RobustnessReport.model_validate_json(_read(store, evaluation, "json"))
    return RENDERED[name](report, asked).encode()


def _check_ready(evaluation: Evaluation) -> None:
    if evaluation.status not in TERMINAL:
        raise ReportNotReady(
            f"The evaluation is {evaluation.status}; its report is there when it has ended. "
            f"Wait with GET {evaluation.links['self']} and `Prefer: wait=60`."
        )
    if evaluation.status == "canceled":
        raise ReportNotReady("The evaluation was canceled, so it has no report. Send its specification again.")


def _read(store: Store, evaluation: Evaluation, name: str) -> bytes:
    try:
        return store.get(keys.evaluation_report(evaluation.id, name))
    except ArtifactNotFound:
        raise ReportNotReady(
            f"The evaluation has {evaluation.status} without a report.{name}; its `error` says why, if it failed. "
            "Send its specification again, or ask for another format."
        ) from None
