"""Where a client looks for its service."""

import pytest

from clients.connection import Connection
from saddlepoint.errors import InvalidRequest


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        (None, {}, "http://127.0.0.1:8000"),
        (None, {"SADDLEPOINT_URL": "https://there/"}, "https://there"),
        ("http://here:1", {"SADDLEPOINT_URL": "https://there"}, "http://here:1"),
    ],
)
def test_an_argument_wins_over_the_environment(url: str | None, environment: dict[str, str], expected: str) -> None:
    assert Connection.of(url, None, environment).url == expected


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://there", "http://", "there"])
def test_what_is_no_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(InvalidRequest, match="A service's URL looks like"):
        Connection.of(url, None, {})


def test_a_service_on_this_machine_is_not_asked_for_through_a_proxy() -> None:
    assert Connection.of("http://127.0.0.1:8000", None, {}).options()["trust_env"] is False
    assert Connection.of("http://there", None, {}).options()["trust_env"] is True
