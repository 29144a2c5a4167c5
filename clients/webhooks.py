"""The receiver's side of a webhook: whether a delivery came from the service, now, and as it was sent."""

import hmac
import time
from collections.abc import Callable, Mapping

from pydantic import ValidationError

from saddlepoint.errors import InvalidRequest, UnexpectedAnswer, UnverifiedWebhook
from saddlepoint.schemas.signatures import sign
from saddlepoint.schemas.webhooks import WebhookMessage

TOLERANCE_S = 300.0
"""As the libraries of the Standard Webhooks have it."""
_LONGEST_TIME = 20


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    *,
    tolerance_s: float = TOLERANCE_S,
    clock: Callable[[], float] = time.time,
) -> WebhookMessage:
    """What a delivery tells, once its signature is known to be the service's (standard-webhooks.com, version 1).

    `headers` by any case, `body` as it came over the wire, `secret` that of `AttackClient.webhook_secret()`; the one
    before it is good as well until the next is made. `clock` gives seconds since 1970. The same message may come
    twice, with the same `webhook-id` header.

    Raises UnverifiedWebhook where a header is missing, the time is further than `tolerance_s` from now or nothing was
    signed with `secret`, to be answered with 400 or 401; InvalidRequest where `secret` is none, and UnexpectedAnswer
    where what was signed cannot be read.
    """
    message_id, timestamp_s, signatures = _signed_part(headers)
    if abs(clock() - timestamp_s) > tolerance_s:
        raise UnverifiedWebhook(
            f"A delivery is taken within {tolerance_s:g} s of its webhook-timestamp, and {timestamp_s} is further from "
            "now: it is an old one sent again, or a clock is wrong."
        )
    try:
        expected = sign(secret, message_id, timestamp_s, body).encode()
    except ValueError:
        raise InvalidRequest("A webhook's secret is whsec_ and base64, as GET /v1/webhook-secret gives it.") from None
    if not any(hmac.compare_digest(expected, each.encode()) for each in signatures):
        raise UnverifiedWebhook(
            "No signature of this delivery was made with this secret; ask for the newest secret, and pass the body as "
            "it came, not parsed and written again."
        )
    try:
        return WebhookMessage.model_validate_json(body, extra="ignore")
    except ValidationError as error:
        raise UnexpectedAnswer("The delivery is no message that this version knows; update the receiver.") from error


def _signed_part(headers: Mapping[str, str]) -> tuple[str, int, list[str]]:
    """The id, the time and the signatures that a delivery says it has."""
    found = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not found.get(name)]
    if missing:
        raise UnverifiedWebhook(f"A delivery has the header {missing[0]}, and this has none: a webhook sends it.")
    timestamp = found["webhook-timestamp"]
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= _LONGEST_TIME):
        raise UnverifiedWebhook(f"A webhook-timestamp is seconds since 1970, got {timestamp[:40]!r}.")
    return found["webhook-id"], int(timestamp), found["webhook-signature"].split(" ")
