"""`/v1/landscapes`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from saddlepoint.endings import cancel_job
from saddlepoint.schemas.landscapes import Landscape, LandscapeSpec
from saddlepoint.work import LANDSCAPE
from service.answers import canceled_before, file_as
from service.context import ContextOf, OwnerOf
from service.jobs import accepted_response, canceled_response, job_response
from service.landscapes import accept_landscape
from service.negotiation import FORMATS
from service.parsing import parse
from service.requests import JsonBody, json_body_of
from service.results import rendered_response
from service.webhooks import WebhookUrl, announced
from service.wire import landscape_path

router = APIRouter(prefix="/v1/landscapes", tags=["landscapes"])


@router.post(
    "",
    status_code=202,
    response_model=Landscape,
    openapi_extra=json_body_of(LandscapeSpec),
    summary="Look at how far apart perturbed policies are",
)
async def create(request: Request, context: ContextOf, owner: OwnerOf, webhook: WebhookUrl, body: JsonBody) -> Response:
    """202 while it goes on, 200 where the same one has succeeded before."""
    spec = parse(LandscapeSpec, body, "landscape")
    environment = await context.environments.describe(spec.env)
    landscape_id = await run_in_threadpool(accept_landscape, context.store, context.queue, owner, spec, environment)
    context.landscapes.forget(landscape_id)
    path = landscape_path(landscape_id)
    answer = await accepted_response(request, context.landscapes, owner, landscape_id, path)
    return await announced(answer, context.store, owner, LANDSCAPE, landscape_id, webhook)


@router.get("/{landscape_id}", response_model=Landscape, summary="The state of a landscape")
async def show(request: Request, landscape_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    """`Prefer: wait=N` waits up to N seconds for the end."""
    return await job_response(request, context.landscapes, owner, landscape_id)


@router.get(
    "/{landscape_id}/result",
    response_class=Response,
    responses=file_as(*(form.media_type for form in FORMATS.values())),
    summary="A landscape as numbers or as a page",
)
async def result(
    request: Request,
    landscape_id: str,
    context: ContextOf,
    owner: OwnerOf,
    format: Annotated[str | None, Query(description="json or html; wins over Accept")] = None,
) -> Response:
    """JSON, or HTML that stands alone. 409 until there is one, 406 for other formats."""
    snapshot = await context.landscapes.get(owner, landscape_id)
    return await rendered_response(request, context.store, snapshot.job, LANDSCAPE, format)


@router.post(
    "/{landscape_id}/cancel",
    status_code=202,
    response_model=Landscape,
    responses=canceled_before(Landscape),
    summary="Cancel a landscape",
)
async def cancel(landscape_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    """202, 200 where it was canceled before, 409 where it ended otherwise."""

    def stop() -> bool:
        return cancel_job(context.store, context.queue, LANDSCAPE, landscape_id)

    return await canceled_response(context.landscapes, owner, landscape_id, stop)
