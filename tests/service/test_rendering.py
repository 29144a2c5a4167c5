import pytest
from starlette.requests import Request

from service.negotiation import choose_format
from service.rendering import is_known, preferred_wait_s


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    ("prefer", "wait_s"),
    [
        ("wait=5", 5.0),
        ("wait=600", 60.0),
        ("respond-async, wait=5", 5.0),
        ("respond-async; wait=7", 7.0),
        ('wait="5"', 5.0),
        ("await=5", None),
        ("wait=-5", None),
        ("", None),
    ],
)
def test_the_wait_of_a_preference_is_bounded(prefer: str, wait_s: float | None) -> None:
    assert preferred_wait_s(request(prefer=prefer)) == wait_s


@pytest.mark.parametrize(
    ("header", "known"), [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False), ("", False)]
)
def test_a_tag_is_known_in_any_list(header: str, known: bool) -> None:
    assert is_known(request(if_none_match=header), '"a"') is known


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("text/html", "html"),
        ("text/*", "html"),
        ("text/html;q=0.5, application/json;q=0.4", "html"),
        ("text/html;q=0.4, application/json;q=0.5", "json"),
        ("application/json;q=0, */*", "html"),
        ("TEXT/HTML; q=1.0", "html"),
    ],
)
def test_the_form_of_a_report_is_negotiated(accept: str, chosen: str) -> None:
    assert choose_format(None, accept) == chosen
