"""Results of jobs as files."""

from collections.abc import AsyncIterator, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from saddlepoint.errors import ReportNotReady
from saddlepoint.schemas import keys
from saddlepoint.schemas.jobs import JobState
from saddlepoint.store import Store
from saddlepoint.work import Work
from service.negotiation import FORMATS, ReportFormat, choose_format
from service.rendering import is_known

_CHUNK = 2**16


async def result_response(
    request: Request, store: Store, job: JobState, key: str, *, media_type: str, headers: Mapping[str, str]
) -> Response:
    """The artifact of a job that succeeded. Raises ReportNotReady."""
    if job.status != "succeeded":
        raise ReportNotReady(
            f"The job is {job.status}, and a result is there when it has succeeded. "
            f"Wait with GET {job.links['self']} and `Prefer: wait=60`; its `error` says why it failed, if it did."
        )
    etag = f'"{job.id}-{key.rpartition(".")[2]}"'
    sent = {"ETag": etag, "Cache-Control": "private, no-cache", **headers}
    if is_known(request, etag):
        return Response(status_code=304, headers=sent)
    data = await run_in_threadpool(store.get, key)
    sent["Content-Length"] = str(len(data))
    return StreamingResponse(_pieces(data), headers=sent, media_type=media_type)


async def rendered_response(
    request: Request,
    store: Store,
    job: JobState,
    work: Work,
    wanted: str | None,
    formats: Mapping[str, ReportFormat] = FORMATS,
) -> Response:
    """The result of a job in the form that a client wants. Raises NotAcceptable and ReportNotReady."""
    name = choose_format(wanted, request.headers.get("accept", ""), formats)
    chosen, key = formats[name], keys.job_result(work.name, job.id, name)
    return await result_response(request, store, job, key, media_type=chosen.media_type, headers=chosen.headers)


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    """Small ones, so that a slow reader holds one copy and not two."""
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK]
