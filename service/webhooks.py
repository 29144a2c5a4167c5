"""Asking for a webhook beside a job: the header `Webhook-Url` of the request that begins it."""

from typing import Annotated

from fastapi import Depends, Header
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from saddlepoint.schemas.webhooks import check_webhook_url
from saddlepoint.store import Store
from saddlepoint.webhooks import ask_webhook
from saddlepoint.work import Work

ID_HEADER = "Webhook-Id"


async def _webhook_url(
    webhook_url: Annotated[str | None, Header(description="https URL that is told when the job has ended")] = None,
) -> str | None:
    if webhook_url is not None:
        check_webhook_url(webhook_url)
    return webhook_url


WebhookUrl = Annotated[str | None, Depends(_webhook_url)]
"""A part of no specification: who is told of an evaluation does not make it another one."""


async def announced(answer: Response, store: Store, owner: str, work: Work, job_id: str, url: str | None) -> Response:
    """`answer`, once the end of the job is certain to be told to `url`, with the id of that webhook."""
    if url is not None:
        answer.headers[ID_HEADER] = await run_in_threadpool(ask_webhook, store, owner, work, job_id, url)
    return answer
