"""Signatures, held against the example of the Standard Webhooks specification."""

from worker.webhooks import signed_headers
from worker.webhooks.signing import sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_example_of_the_specification() -> None:
    signature = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_secret_signs() -> None:
    other = "whsec_AAAA"
    headers = signed_headers([SECRET, other], "id", 7, b"body")
    assert headers == {
        "webhook-id": "id",
        "webhook-timestamp": "7",
        "webhook-signature": f"{sign(SECRET, 'id', 7, b'body')} {sign(other, 'id', 7, b'body')}",
    }
