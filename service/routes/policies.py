"""`/v1/policies`."""

from itertools import chain
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from saddlepoint.errors import ArtifactNotFound, NotFound
from saddlepoint.schemas import keys
from saddlepoint.schemas.policies import PolicyCard, PolicyHints
from saddlepoint.store import Stream
from service.answers import file_as
from service.context import Context, ContextOf, OwnerOf
from service.forms import read_form
from service.idempotency import settle
from service.ownership import load_card
from service.pagination import read_page
from service.parsing import parse
from service.policies import PendingPolicy, PolicyPage, delete_policy, load_cards, pending_policy
from service.rendering import etag_of, is_known, json_response, tagged_response
from service.requests import DEFAULT_PAGE, Cursor, IdempotencyKey, Limit, form_of
from service.spool import SpoolFile
from service.uploads import uploaded_id
from service.wire import policy_path

router = APIRouter(prefix="/v1/policies", tags=["policies"])


@router.post(
    "",
    status_code=201,
    response_model=PolicyCard,
    responses={200: {"model": PolicyCard}, 202: {"model": PendingPolicy}},
    openapi_extra=form_of(None, PolicyHints),
    summary="Upload a policy",
)
async def create(request: Request, context: ContextOf, owner: OwnerOf, key: IdempotencyKey) -> Response:
    """201 with the card, 200 where the policy was known, 202 while it is still being validated."""
    await run_in_threadpool(context.queue.ping)
    async with SpoolFile(context.spool, context.settings.max_upload_bytes) as file:
        form = await read_form(request, file, {"card": _read_hints}, required=frozenset())
        await run_in_threadpool(settle, context.store, owner, key, uploaded_id(owner, form))
        admission = await context.uploads.admit(owner, form)
    if admission.card is None:
        return _pending_response(pending_policy(admission.policy_id, admission.upload_id))
    location = policy_path(admission.policy_id)
    return json_response(admission.card, 201 if admission.is_new else 200, {"Location": location})


@router.get("", response_model=PolicyPage, summary="List policies, newest first")
async def index(context: ContextOf, owner: OwnerOf, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None) -> Response:
    page = await run_in_threadpool(read_page, context.store, keys.policy_index_prefix(owner), limit, cursor)
    items = await run_in_threadpool(load_cards, context.store, owner, page)
    return json_response(PolicyPage(items=items, next_cursor=page.next_cursor))


@router.get(
    "/{policy_id}",
    response_model=PolicyCard,
    responses={202: {"model": PendingPolicy}},
    summary="What a policy is",
)
async def show(
    request: Request,
    policy_id: str,
    context: ContextOf,
    owner: OwnerOf,
    upload: Annotated[str | None, Query(description="asks after an upload that was answered 202")] = None,
) -> Response:
    """The card; with `upload`, 202 while that is being validated, or the reason why it was refused."""
    if upload is not None:
        card = await run_in_threadpool(context.uploads.outcome, owner, policy_id, upload)
        if card is None:
            return _pending_response(pending_policy(policy_id, upload))
    else:
        card = await run_in_threadpool(load_card, context.store, owner, policy_id)
    body = card.model_dump_json().encode()
    return tagged_response(request, body, etag_of(body), media_type="application/json")


@router.get(
    "/{policy_id}/file",
    response_class=Response,
    responses=file_as("application/octet-stream"),
    summary="A policy as a file",
)
async def file(
    request: Request,
    policy_id: str,
    context: ContextOf,
    owner: OwnerOf,
    format: Annotated[Literal["onnx", "safetensors"], Query()] = "onnx",
) -> Response:
    """The canonical ONNX model, or the safetensors of a policy that was trained here."""
    card = await run_in_threadpool(load_card, context.store, owner, policy_id)
    etag = f'"{card.canonical_sha256[:32]}-{format}"'
    headers = {"ETag": etag, "Content-Disposition": f'attachment; filename="{card.id}.{format}"'}
    if is_known(request, etag):
        return Response(status_code=304, headers=headers)
    stream = await run_in_threadpool(_open_file, context, card.id, format)
    headers["Content-Length"] = str(stream.size)
    return StreamingResponse(stream.pieces, headers=headers, media_type="application/octet-stream")


@router.delete("/{policy_id}", status_code=204, summary="Delete a policy")
async def delete(policy_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    """Its reports stay; what is being evaluated fails."""
    card = await run_in_threadpool(load_card, context.store, owner, policy_id)
    await run_in_threadpool(delete_policy, context.store, owner, card)
    return Response(status_code=204)


def _read_hints(data: bytes) -> PolicyHints:
    return parse(PolicyHints, data, "card part")


def _pending_response(pending: PendingPolicy) -> Response:
    return json_response(pending, 202, {"Location": pending.links["self"], "Retry-After": "1"})


def _open_file(context: Context, policy_id: str, format: str) -> Stream:
    """The file with its first piece read: what is damaged there, or small, can still be answered as a problem."""
    key = keys.policy_model(policy_id) if format == "onnx" else keys.policy_weights(policy_id)
    try:
        stream = context.store.stream(key)
    except ArtifactNotFound:
        raise NotFound(
            f"The policy has no {format} file; only policies that were trained here have safetensors. Take onnx."
        ) from None
    first = next(stream.pieces, b"")
    return Stream(stream.size, chain([first], stream.pieces))
