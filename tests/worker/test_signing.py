"""The headers of a delivery."""

from saddlepoint.schemas.signatures import sign
from worker.webhooks import signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_each_secret_signs() -> None:
    other = "whsec_AAAA"
    headers = signed_headers([SECRET, other], "id", 7, b"body")
    assert headers == {
        "webhook-id": "id",
        "webhook-timestamp": "7",
        "webhook-signature": f"{sign(SECRET, 'id', 7, b'body')} {sign(other, 'id', 7, b'body')}",
    }
