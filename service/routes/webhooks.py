"""`/v1/webhooks` and `/v1/webhook-secret`."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from saddlepoint.schemas.webhooks import Webhook, WebhookSecret
from saddlepoint.webhooks import load_webhook, newest_secrets, next_secret
from service.context import ContextOf, OwnerOf
from service.rendering import json_response

router = APIRouter(prefix="/v1", tags=["webhooks"])
_UNKEPT = {"Cache-Control": "no-store"}


@router.get("/webhooks/{webhook_id}", response_model=Webhook, summary="How the telling of a job's end went")
async def show(webhook_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    """Every attempt; `outcome` once it was delivered or given up."""
    return json_response(await run_in_threadpool(load_webhook, context.store, owner, webhook_id))


@router.get("/webhook-secret", response_model=WebhookSecret, summary="What deliveries to you are signed with")
async def secret(context: ContextOf, owner: OwnerOf) -> Response:
    """The newest secret, which is made when it is first asked for."""
    newest, *_ = await run_in_threadpool(newest_secrets, context.store, owner)
    return json_response(WebhookSecret(secret=newest), headers=_UNKEPT)


@router.post(
    "/webhook-secret", status_code=201, response_model=WebhookSecret, summary="Sign deliveries with a new secret too"
)
async def rotate(context: ContextOf, owner: OwnerOf) -> Response:
    """The one before signs beside it until this is called again."""
    return json_response(WebhookSecret(secret=await run_in_threadpool(next_secret, context.store, owner)), 201, _UNKEPT)
