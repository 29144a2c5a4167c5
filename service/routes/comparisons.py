"""`/v1/comparisons`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from saddlepoint.endings import cancel_job
from saddlepoint.schemas.comparisons import Comparison, ComparisonSpec, GroupsSpec
from saddlepoint.work import COMPARISON
from service.answers import canceled_before, file_as
from service.comparisons import accept_comparison, read_comparison_spec
from service.context import ContextOf, OwnerOf
from service.jobs import accepted_response, canceled_response, job_response
from service.negotiation import FORMATS, ReportFormat
from service.requests import JsonBody, json_body_of
from service.results import rendered_response
from service.webhooks import WebhookUrl, announced
from service.wire import comparison_path

router = APIRouter(prefix="/v1/comparisons", tags=["comparisons"])

_FORMATS = {"json": FORMATS["json"], "html": FORMATS["html"], "md": ReportFormat("text/markdown", {})}

Format = Annotated[str | None, Query(description="json, html or md; wins over Accept")]


@router.post(
    "",
    status_code=202,
    response_model=Comparison,
    openapi_extra=json_body_of(ComparisonSpec, GroupsSpec),
    summary="Compare evaluations of two or more policies or methods",
)
async def create(request: Request, context: ContextOf, owner: OwnerOf, webhook: WebhookUrl, body: JsonBody) -> Response:
    """202, also where the same one has been made. All evaluations have succeeded and differ in the policy alone.

    `baseline` and `candidate` are two sides; `groups` are several methods by name, held against the first of them.
    """
    spec = read_comparison_spec(body)
    comparison_id = await run_in_threadpool(accept_comparison, context.store, context.queue, owner, spec)
    context.comparisons.forget(comparison_id)
    path = comparison_path(comparison_id)
    answer = await accepted_response(request, context.comparisons, owner, comparison_id, path)
    return await announced(answer, context.store, owner, COMPARISON, comparison_id, webhook)


@router.get("/{comparison_id}", response_model=Comparison, summary="The state of a comparison, or its result")
async def show(
    request: Request, comparison_id: str, context: ContextOf, owner: OwnerOf, format: Format = None
) -> Response:
    """`Prefer: wait=N` waits up to N seconds for the end. With `format`, the result itself, as `/result` gives it."""
    if format is not None:
        return await result(request, comparison_id, context, owner, format)
    return await job_response(request, context.comparisons, owner, comparison_id)


@router.get(
    "/{comparison_id}/result",
    response_class=Response,
    responses=file_as(*(form.media_type for form in _FORMATS.values())),
    summary="A comparison as numbers, as a page or as a table",
)
async def result(
    request: Request, comparison_id: str, context: ContextOf, owner: OwnerOf, format: Format = None
) -> Response:
    """JSON, HTML that stands alone, or a Markdown table. 409 until there is one, 406 for other formats."""
    snapshot = await context.comparisons.get(owner, comparison_id)
    return await rendered_response(request, context.store, snapshot.job, COMPARISON, format, _FORMATS)


@router.post(
    "/{comparison_id}/cancel",
    status_code=202,
    response_model=Comparison,
    responses=canceled_before(Comparison),
    summary="Cancel a comparison",
)
async def cancel(comparison_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    """202, 200 where it was canceled before, 409 where it ended otherwise."""

    def stop() -> bool:
        return cancel_job(context.store, context.queue, COMPARISON, comparison_id)

    return await canceled_response(context.comparisons, owner, comparison_id, stop)
