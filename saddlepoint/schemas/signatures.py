"""Signatures by the Standard Webhooks specification, version 1 (standard-webhooks.com): HMAC-SHA256."""

import base64
import hashlib
import hmac

_PREFIX = "whsec_"


def sign(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """`v1,` and the HMAC of `id.timestamp.body`; the time is signed too, so that a receiver can refuse a replay.

    Raises ValueError where the secret is none.
    """
    key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    signed = b".".join([message_id.encode(), str(timestamp_s).encode(), body])
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"
