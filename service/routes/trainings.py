"""`/v1/trainings`."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from saddlepoint.endings import cancel_training
from saddlepoint.schemas import keys
from saddlepoint.schemas.trainings import Training, TrainingSpec
from saddlepoint.work import TRAINING
from service.answers import canceled_before
from service.context import ContextOf, OwnerOf
from service.jobs import accepted_response, canceled_response, job_response, list_jobs
from service.ownership import load_card
from service.pagination import read_page
from service.rendering import json_response
from service.requests import DEFAULT_PAGE, Cursor, IdempotencyKey, JsonBody, Limit, json_body_of
from service.snapshots import Snapshot
from service.training_reports import training_report_response
from service.trainings import TrainingPage, accept_training, read_training_spec
from service.webhooks import WebhookUrl, announced
from service.wire import training_path

router = APIRouter(prefix="/v1/trainings", tags=["trainings"])


@router.post(
    "", status_code=202, response_model=Training, openapi_extra=json_body_of(TrainingSpec), summary="Train a policy"
)
async def create(
    request: Request, context: ContextOf, owner: OwnerOf, key: IdempotencyKey, webhook: WebhookUrl, body: JsonBody
) -> Response:
    """202, also where the same training has succeeded before; it ends in a published policy.

    With `evaluation`, that policy and the one it started from are evaluated alike and compared; `links` say where.
    """
    spec = read_training_spec(body)
    parent = None
    if spec.policy_id is not None:
        parent = await run_in_threadpool(load_card, context.store, owner, spec.policy_id)
    environment = await context.environments.describe(spec.env)
    training_id = await run_in_threadpool(
        accept_training,
        context.store,
        context.queue,
        owner,
        spec,
        environment,
        parent,
        default_precision=context.settings.default_precision,
        idempotency_key=key,
    )
    context.trainings.forget(training_id)
    path = training_path(training_id)
    answer = await accepted_response(request, context.trainings, owner, training_id, path)
    return await announced(answer, context.store, owner, TRAINING, training_id, webhook)


@router.get("", response_model=TrainingPage, summary="List trainings, newest first")
async def index(context: ContextOf, owner: OwnerOf, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None) -> Response:
    """Without their learning curves; those come with each training."""
    page = await run_in_threadpool(read_page, context.store, keys.training_index_prefix(owner), limit, cursor)
    items = await list_jobs(context.training_briefs, owner, page)
    return json_response(TrainingPage(items=items, next_cursor=page.next_cursor))


@router.get("/{training_id}", response_model=Training, summary="The state of a training")
async def show(request: Request, training_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    """`Prefer: wait=N` waits up to N seconds for the end; `If-None-Match` spares the body."""
    return await job_response(request, context.trainings, owner, training_id)


@router.post(
    "/{training_id}/cancel",
    status_code=202,
    response_model=Training,
    responses=canceled_before(Training),
    summary="Cancel a training",
)
async def cancel(training_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    """202, 200 where it was canceled before, 409 where it ended otherwise."""

    def stop() -> bool:
        return cancel_training(context.store, context.queue, training_id)

    return await canceled_response(context.trainings, owner, training_id, stop)


async def _owned(training_id: str, context: ContextOf, owner: OwnerOf) -> Snapshot[Training]:
    """A dependency, because a stream can no longer be refused once it has begun."""
    return await context.trainings.get(owner, training_id)


@router.get(
    "/{training_id}/events",
    dependencies=[Depends(_owned)],
    response_class=EventSourceResponse,
    summary="The life of a training as events",
)
async def events(
    training_id: str,
    context: ContextOf,
    owner: OwnerOf,
    last_event_id: Annotated[str | None, Header()] = None,
) -> AsyncIterator[ServerSentEvent]:
    """`progress` and `terminal`, the first of them complete; resumes from `Last-Event-ID`."""
    async for event in context.training_events.follow(owner, training_id, last_event_id):
        yield event


@router.get("/{training_id}/report", summary="The report of a training that has succeeded")
async def report(
    request: Request,
    training: Annotated[Snapshot[Training], Depends(_owned)],
    context: ContextOf,
    format: Annotated[str | None, Query(description="json or html; wins over Accept")] = None,
) -> Response:
    """JSON, or HTML that stands alone: learning curves, lineage, and the comparison with its parent once it is made.

    409 until there is one, 404 where it cannot be made.
    """
    return await training_report_response(request, context.store, context.queue, training.job, format)
