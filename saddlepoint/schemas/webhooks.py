"""What is told to a URL when a job has ended, and how the telling went."""

from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from saddlepoint.errors import InvalidWebhook
from saddlepoint.schemas.addresses import is_public
from saddlepoint.schemas.base import Schema, Timestamp, digest
from saddlepoint.schemas.problems import Problem

_LONGEST_URL = 2000


class WebhookRecord(Schema):
    """That the end of a job is to be told to a URL."""

    id: str
    """The `webhook-id` of each delivery, by which a receiver knows a repetition."""
    tenant: str
    kind: str
    """Of work: `evaluation`, `training`, `attack`, `landscape` or `comparison`."""
    job_id: str
    url: str
    created_at: Timestamp


class WebhookAttempt(Schema):
    """A delivery that was tried."""

    at: Timestamp
    status: int | None = None
    """Of the answer, None where none came."""
    reason: Literal["forbidden-address", "unresolved", "no-connection", "timeout"] | None = None


class WebhookOutcome(Schema):
    """How the telling ended; put once."""

    delivered: bool
    at: Timestamp
    attempts: int


class Webhook(Schema):
    """The wire form of all three."""

    id: str
    kind: str
    job_id: str
    url: str
    created_at: Timestamp
    attempts: list[WebhookAttempt]
    outcome: WebhookOutcome | None = None


class WebhookSecret(Schema):
    """What deliveries to a tenant are signed with, as libraries of the Standard Webhooks take it."""

    secret: str


class JobEnded(Schema):
    """The `data` of a delivery."""

    id: str
    kind: str
    status: Literal["succeeded", "failed", "canceled"]
    finished_at: Timestamp
    policy_id: str | None = None
    """That a training published."""
    error: Problem | None = None


class WebhookMessage(Schema):
    """The body of a delivery, as the Standard Webhooks specification recommends it."""

    type: str
    timestamp: Timestamp
    data: JobEnded


def webhook_id(kind: str, job_id: str, url: str) -> str:
    """The id: asking for the same again is the same webhook."""
    return digest("webhook", kind, job_id, url)


def check_webhook_url(url: str) -> None:
    """Raises InvalidWebhook. What a name resolves to is checked when it is told, not before: it may change."""
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidWebhook(f"A webhook's URL is up to {_LONGEST_URL} printable ASCII characters without spaces.")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidWebhook("A webhook's URL could not be read; it is https://host/path.") from None
    if parts.scheme != "https" or not host:
        raise InvalidWebhook(f"A webhook's URL is https://host/path, got {url[:80]!r}.")
    if parts.username is not None or parts.fragment:
        raise InvalidWebhook("A webhook's URL holds no user and no fragment; put a token into its path.")
    if _is_address(host) and not is_public(host):
        raise InvalidWebhook(f"A webhook's address must lie in the public internet, got {host[:80]}.")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
