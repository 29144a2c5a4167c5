"""The headers of a delivery by the Standard Webhooks specification (standard-webhooks.com)."""

from collections.abc import Sequence

from saddlepoint.schemas.signatures import sign


def signed_headers(secrets: Sequence[str], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The three headers of a delivery; one signature for each secret, any of which convinces a receiver."""
    signatures = (sign(secret, message_id, timestamp_s, body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }
