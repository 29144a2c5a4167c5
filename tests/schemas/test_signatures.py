"""Signatures, held against the example of the Standard Webhooks specification."""

import pytest

from saddlepoint.schemas.signatures import sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_example_of_the_specification() -> None:
    signature = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(("secret", "why"), [("whsec_A", "padd|data"), ("whsec_?AAA", "base64"), ("whsec_é", "ASCII")])
def test_what_is_no_secret_signs_nothing(secret: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        sign(secret, "id", 7, b"body")
