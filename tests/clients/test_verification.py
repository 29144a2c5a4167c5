"""Whether a delivery came from the service, now, and as it was sent: what the receiver of a webhook asks."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from clients import verify_webhook
from clients.webhooks import TOLERANCE_S
from saddlepoint.errors import InvalidRequest, UnexpectedAnswer, UnverifiedWebhook
from saddlepoint.schemas.webhooks import JobEnded, WebhookMessage
from worker.webhooks import signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
ENDED = JobEnded(id="e" * 32, kind="evaluation", status="succeeded", finished_at=NOW)
MESSAGE = WebhookMessage(type="evaluation.succeeded", timestamp=NOW, data=ENDED)
BODY = MESSAGE.model_dump_json().encode()
HEADERS = signed_headers([SECRET], "msg", NOW_S, BODY)


def verified(
    headers: Mapping[str, str] = HEADERS, body: bytes = BODY, secret: str = SECRET, late_s: float = 0.0
) -> WebhookMessage:
    return verify_webhook(headers, body, secret, clock=lambda: NOW_S + late_s)


def test_a_delivery_of_the_service_is_taken_for_what_it_tells() -> None:
    assert verified() == MESSAGE
    assert verified({name.upper(): value for name, value in HEADERS.items()}) == MESSAGE


def test_one_of_several_signatures_is_enough() -> None:
    assert verified(signed_headers(["whsec_AAAA", SECRET], "msg", NOW_S, BODY)) == MESSAGE


@pytest.mark.parametrize(
    "changed",
    [
        {"body": BODY.replace(b"succeeded", b"failed")},
        {"headers": {**HEADERS, "webhook-id": "other"}},
        {"headers": {**HEADERS, "webhook-timestamp": str(NOW_S + 1)}},
        {"headers": {**HEADERS, "webhook-signature": HEADERS["webhook-signature"].replace("v1,", "v2,")}},
        {"headers": {**HEADERS, "webhook-signature": "v1,"}},
        {"headers": {**HEADERS, "webhook-signature": "v1,\u00e9"}},
        {"secret": "whsec_AAAA"},
    ],
)
def test_what_was_not_signed_so_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(UnverifiedWebhook, match="No signature of this delivery was made with this secret"):
        verified(**changed)


@pytest.mark.parametrize(("late_s", "is_taken"), [(300, True), (301, False), (-300, True), (-301, False)])
def test_a_delivery_is_taken_within_five_minutes_of_its_time(late_s: float, is_taken: bool) -> None:
    assert TOLERANCE_S == 300
    if is_taken:
        assert verified(late_s=late_s) == MESSAGE
    else:
        with pytest.raises(UnverifiedWebhook, match="within 300 s"):
            verified(late_s=late_s)


@pytest.mark.parametrize("name", HEADERS)
def test_a_missing_header_is_named(name: str) -> None:
    with pytest.raises(UnverifiedWebhook, match=f"the header {name}"):
        verified({other: value for other, value in HEADERS.items() if other != name})


@pytest.mark.parametrize("timestamp", ["noon", "-1", "1e9", "\u0661", "9" * 5000])
def test_a_time_that_is_none_is_refused(timestamp: str) -> None:
    with pytest.raises(UnverifiedWebhook, match="seconds since 1970"):
        verified({**HEADERS, "webhook-timestamp": timestamp})


@pytest.mark.parametrize("secret", ["whsec_?", "whsec_A", "secret!"])
def test_a_secret_that_is_none_is_the_receivers_fault(secret: str) -> None:
    with pytest.raises(InvalidRequest, match="whsec_ and base64"):
        verified(secret=secret)


def test_a_message_of_a_later_version_is_read_as_far_as_it_is_known() -> None:
    later = json.dumps({**json.loads(BODY), "more": 1}).encode()
    assert verified(signed_headers([SECRET], "msg", NOW_S, later), later) == MESSAGE
    other = b'{"type": "evaluation.succeeded"}'
    with pytest.raises(UnexpectedAnswer, match="update the receiver"):
        verified(signed_headers([SECRET], "msg", NOW_S, other), other)
