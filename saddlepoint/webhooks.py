"""Webhooks in the store: asked for, signed with a tenant's secret, looked at."""

import base64
import secrets
from datetime import UTC, datetime

from saddlepoint.errors import NotFound
from saddlepoint.schemas import keys
from saddlepoint.schemas.webhooks import (
    Webhook,
    WebhookAttempt,
    WebhookOutcome,
    WebhookRecord,
    WebhookSecret,
    webhook_id,
)
from saddlepoint.store import Store, find_record, get_record, put_record
from saddlepoint.work import Work

_SECRET_BYTES = 32
_SIGNING = 2
"""Of a tenant's secrets, the newest so many: a receiver that still has the one before is not cut off."""


def ask_webhook(store: Store, tenant: str, work: Work, job_id: str, url: str) -> str:
    """Have the end of a job told to `url`; returns the webhook's id, which is the same for the same wish."""
    record = WebhookRecord(
        id=webhook_id(work.name, job_id, url),
        tenant=tenant,
        kind=work.name,
        job_id=job_id,
        url=url,
        created_at=datetime.now(UTC),
    )
    newest_secrets(store, tenant)
    # The marker comes first, as everywhere: a wish without one would be forgotten.
    if not store.exists(keys.webhook_outcome(record.id)):
        store.put(keys.active_webhook(record.id), record.created_at.isoformat().encode())
    put_record(store, keys.webhook_request(record.id), record)
    return record.id


def load_webhook(store: Store, tenant: str, wanted: str) -> Webhook:
    """A webhook of a tenant as it is now. Raises NotFound."""
    record = find_record(store, keys.webhook_request(wanted), WebhookRecord)
    if record is None or record.tenant != tenant:
        raise NotFound(f"There is no webhook {wanted[:64]}; the answer to a job with Webhook-Url names it.")
    return Webhook(
        **record.model_dump(exclude={"tenant"}),
        attempts=load_attempts(store, wanted),
        outcome=find_record(store, keys.webhook_outcome(wanted), WebhookOutcome),
    )


def load_attempts(store: Store, wanted: str) -> list[WebhookAttempt]:
    """The deliveries that were tried, in order."""
    return [get_record(store, key, WebhookAttempt) for key in store.list(keys.webhook_attempts(wanted))]


def newest_secrets(store: Store, tenant: str) -> list[str]:
    """What deliveries to a tenant are signed with, the newest first; the first one is made where there is none."""
    names = list(store.list(keys.webhook_secrets(tenant)))
    if not names:
        return [_add_secret(store, tenant, 0)]
    return [get_record(store, name, WebhookSecret).secret for name in reversed(names[-_SIGNING:])]


def next_secret(store: Store, tenant: str) -> str:
    """A new secret; the one before it still signs, and those before that no longer do."""
    return _add_secret(store, tenant, len(list(store.list(keys.webhook_secrets(tenant)))))


def _add_secret(store: Store, tenant: str, generation: int) -> str:
    """The secret that stands for a generation, whoever put it."""
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"
    key = keys.webhook_secret(tenant, generation)
    put_record(store, key, WebhookSecret(secret=secret))
    return get_record(store, key, WebhookSecret).secret
