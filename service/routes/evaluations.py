"""`/evaluate` and `/v1/evaluations`."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from saddlepoint.endings import cancel_evaluation
from saddlepoint.errors import InvalidEpsilon, InvalidSpec
from saddlepoint.schemas import keys
from saddlepoint.schemas.estimates import Estimate
from saddlepoint.schemas.evaluations import Evaluation, EvaluationPage, EvaluationSpec
from saddlepoint.schemas.extensions import ExtensionSpec
from saddlepoint.schemas.gates import Thresholds
from saddlepoint.schemas.policies import PolicyHints
from saddlepoint.work import EVALUATION
from service.answers import canceled_before
from service.context import Context, ContextOf, OwnerOf
from service.dry_run import estimated
from service.evaluations import EvaluationRequest, accept_evaluation
from service.extensions import extension_request
from service.forms import Form, read_form
from service.jobs import accepted_response, canceled_response, job_response, list_jobs
from service.ownership import load_card
from service.pagination import read_page
from service.parsing import parse
from service.rendering import json_response
from service.report_forms import REPORT_ANSWERS, REPORT_FORMATS
from service.reports import report_response
from service.requests import DEFAULT_PAGE, Cursor, IdempotencyKey, JsonBody, Limit, form_of, json_body_of
from service.snapshots import Snapshot
from service.spool import SpoolFile
from service.webhooks import WebhookUrl, announced
from service.wire import evaluation_path

router = APIRouter(tags=["evaluations"])


@router.post(
    "/evaluate",
    status_code=202,
    response_model=Evaluation,
    openapi_extra=form_of(EvaluationSpec, PolicyHints),
    summary="Upload a policy and evaluate it",
)
async def evaluate(
    request: Request, context: ContextOf, owner: OwnerOf, key: IdempotencyKey, webhook: WebhookUrl
) -> Response:
    """202, also where the same evaluation has succeeded before, as its `status` says; `Location` says where it is.

    Put `spec` before `policy`: an error in it is then answered before the file is read.
    """
    await run_in_threadpool(context.queue.ping)
    async with SpoolFile(context.spool, context.settings.max_upload_bytes) as file:
        form = await _read_evaluation(request, context, file)
        spec = form.values["spec"]
        assert isinstance(spec, EvaluationSpec)
        environment = await context.environments.describe(spec.env)
        admission = await context.uploads.admit(owner, form)
    wanted = EvaluationRequest(
        owner=owner,
        spec=spec,
        environment=environment,
        policy_id=admission.policy_id,
        card=admission.card,
        upload_id=admission.upload_id or None,
        idempotency_key=key,
    )
    return await _submit(request, context, wanted, webhook)


@router.post(
    "/v1/evaluations",
    status_code=202,
    response_model=Evaluation,
    responses={200: {"model": Estimate}},
    openapi_extra=json_body_of(EvaluationSpec),
    summary="Evaluate a policy that was uploaded before",
)
async def create(
    request: Request,
    context: ContextOf,
    owner: OwnerOf,
    key: IdempotencyKey,
    webhook: WebhookUrl,
    body: JsonBody,
    dry_run: Annotated[bool, Query(description="say what it will take, and store nothing")] = False,
) -> Response:
    """As `POST /evaluate`, with `policy_id` in the specification. 200 and an Estimate with `dry_run`."""
    try:
        spec = parse(EvaluationSpec, body, "specification")
    except InvalidEpsilon:
        await context.environments.check_mentioned(body)
        raise
    if spec.policy_id is None:
        raise InvalidSpec(
            "policy_id is required here; POST /v1/policies gives one, or send file and spec to /evaluate."
        )
    card = await run_in_threadpool(load_card, context.store, owner, spec.policy_id)
    environment = await context.environments.describe(spec.env)
    wanted = EvaluationRequest(owner, spec, environment, card.id, card, idempotency_key=key)
    if dry_run:
        return json_response(await run_in_threadpool(estimated, context, wanted))
    return await _submit(request, context, wanted, webhook)


@router.get("/v1/evaluations", response_model=EvaluationPage, summary="List evaluations, newest first")
async def index(context: ContextOf, owner: OwnerOf, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None) -> Response:
    """Without their finished cells; those come with each evaluation."""
    page = await run_in_threadpool(read_page, context.store, keys.evaluation_index_prefix(owner), limit, cursor)
    items = await list_jobs(context.evaluation_briefs, owner, page)
    return json_response(EvaluationPage(items=items, next_cursor=page.next_cursor))


@router.get("/v1/evaluations/{evaluation_id}", response_model=Evaluation, summary="The state of an evaluation")
async def show(request: Request, evaluation_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    """`Prefer: wait=N` waits up to N seconds for the end; `If-None-Match` spares the body."""
    return await job_response(request, context.evaluations, owner, evaluation_id)


@router.post(
    "/v1/evaluations/{evaluation_id}/cancel",
    status_code=202,
    response_model=Evaluation,
    responses=canceled_before(Evaluation),
    summary="Cancel an evaluation",
)
async def cancel(evaluation_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    """202, 200 where it was canceled before, 409 where it ended otherwise."""

    def stop() -> bool:
        return cancel_evaluation(context.store, context.queue, evaluation_id)

    return await canceled_response(context.evaluations, owner, evaluation_id, stop)


async def _owned(evaluation_id: str, context: ContextOf, owner: OwnerOf) -> Snapshot[Evaluation]:
    """A dependency, because a stream can no longer be refused once it has begun."""
    return await context.evaluations.get(owner, evaluation_id)


@router.post(
    "/v1/evaluations/{evaluation_id}/extend",
    dependencies=[Depends(_owned)],
    status_code=202,
    response_model=Evaluation,
    openapi_extra=json_body_of(ExtensionSpec),
    summary="Add seeds, episodes, attacks or epsilons to an evaluation",
)
async def extend(
    request: Request,
    evaluation_id: str,
    context: ContextOf,
    owner: OwnerOf,
    key: IdempotencyKey,
    webhook: WebhookUrl,
    body: JsonBody,
) -> Response:
    """A new evaluation whose `parent` is this one; episodes that were played for it are not played again."""
    more = parse(ExtensionSpec, body, "extension")
    wanted = await run_in_threadpool(extension_request, context.store, owner, evaluation_id, more, key)
    return await _submit(request, context, wanted, webhook)


@router.get(
    "/v1/evaluations/{evaluation_id}/events",
    dependencies=[Depends(_owned)],
    response_class=EventSourceResponse,
    summary="The life of an evaluation as server-sent events",
)
async def events(
    evaluation_id: str,
    context: ContextOf,
    owner: OwnerOf,
    last_event_id: Annotated[str | None, Header()] = None,
) -> AsyncIterator[ServerSentEvent]:
    """`progress`, `cell` and `terminal`, the first of them complete; resumes from `Last-Event-ID`."""
    async for event in context.evaluation_events.follow(owner, evaluation_id, last_event_id):
        yield event


@router.get(
    "/v1/evaluations/{evaluation_id}/report",
    responses=REPORT_ANSWERS,
    summary="The report of an evaluation that has ended",
)
async def report(
    request: Request,
    evaluation: Annotated[Snapshot[Evaluation], Depends(_owned)],
    context: ContextOf,
    format: Annotated[
        str | None, Query(description="Wins over Accept.", json_schema_extra={"enum": list(REPORT_FORMATS)})
    ] = None,
    min_normalized: Annotated[
        float | None, Query(allow_inf_nan=False, description="Of a gate: the least normalised worst case.")
    ] = None,
    min_mean: Annotated[float | None, Query(allow_inf_nan=False, description="Its least mean return.")] = None,
    max_drop: Annotated[
        float | None, Query(ge=0, allow_inf_nan=False, description="Its largest loss of return against no attack.")
    ] = None,
) -> Response:
    """As numbers, as a page or a table, every episode as CSV or Parquet, or the verdict of a gate.

    The last three parameters are the gate's: `junit` takes one of them at least, `badge` and `md` may have them. 409
    until there is a report, 406 for other formats.
    """
    asked = Thresholds(min_normalized=min_normalized, min_mean=min_mean, max_drop=max_drop)
    return await report_response(request, context.store, evaluation.owner, evaluation.job, format, asked)


async def _read_evaluation(request: Request, context: Context, file: SpoolFile) -> Form:
    mentioned = b""

    def read_spec(data: bytes) -> EvaluationSpec:
        nonlocal mentioned
        mentioned = data
        return _read_spec_without_policy(data)

    try:
        readers = {"spec": read_spec, "card": _read_hints}
        return await read_form(request, file, readers, required=frozenset({"spec"}))
    except InvalidEpsilon:
        await context.environments.check_mentioned(mentioned)
        raise


async def _submit(request: Request, context: Context, wanted: EvaluationRequest, webhook: str | None) -> Response:
    evaluation_id = await run_in_threadpool(
        accept_evaluation,
        context.store,
        context.queue,
        context.quotas,
        wanted,
        default_precision=context.settings.default_precision,
    )
    context.evaluations.forget(evaluation_id)
    answer = await accepted_response(
        request, context.evaluations, wanted.owner, evaluation_id, evaluation_path(evaluation_id)
    )
    return await announced(answer, context.store, wanted.owner, EVALUATION, evaluation_id, webhook)


def _read_spec_without_policy(data: bytes) -> EvaluationSpec:
    spec = parse(EvaluationSpec, data, "spec part")
    if spec.policy_id is not None:
        raise InvalidSpec("policy_id has no place beside a file; leave it out, or send the spec to /v1/evaluations.")
    return spec


def _read_hints(data: bytes) -> PolicyHints:
    return parse(PolicyHints, data, "card part")
