"""Signatures by the Standard Webhooks specification, version 1 (standard-webhooks.com): HMAC-SHA256."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

_PREFIX = "whsec_"


def signed_headers(secrets: Sequence[str], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The three headers of a delivery; one signature for each secret, any of which convinces a receiver."""
    signatures = (sign(secret, message_id, timestamp_s, body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }


def sign(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """`v1,` and the HMAC of `id.timestamp.body`; the time is signed too, so that a receiver can refuse a replay."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = b".".join([message_id.encode(), str(timestamp_s).encode(), body])
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"
