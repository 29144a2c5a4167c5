"""Whatever is sent, the service answers with a success or with a problem that is the sender's."""

import asyncio

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddlepoint.schemas.problems import Problem
from tests.service.bench import Bench, make_bench

PATHS = [
    "/evaluate",
    "/v1/policies",
    "/v1/policies/{}",
    "/v1/policies/{}/file",
    "/v1/evaluations",
    "/v1/evaluations/{}",
    "/v1/evaluations/{}/cancel",
    "/v1/evaluations/{}/events",
    "/v1/evaluations/{}/report",
    "/v1/trainings",
    "/v1/trainings/{}",
    "/v1/attacks",
    "/{}",
]
HEADERS = [
    "content-type",
    "content-length",
    "idempotency-key",
    "prefer",
    "if-none-match",
    "accept",
    "last-event-id",
    "origin",
    "host",
    "authorization",
]
VALUES = [
    "application/json",
    "multipart/form-data; boundary=X",
    "multipart/form-data; boundary=" + "y" * 300,
    "wait=0",
    "http://[",
    "[",
    "*",
    "0.queued-0-0",
    "text/html;q=x",
    "",
    "\u00e9\u00ff",
    "-1",
    "1" * 300,
]
HEAD = b'--X\r\nContent-Disposition: form-data; name="spec"\r\n\r\n'
PIECES = [
    HEAD,
    b'{"env": "BoxingNoFrameskip-v4", "tier": "smoke"}',
    b"\r\n--X--\r\n",
    b"{}",
    b"[[",
    b'"',
    b"\xff",
    b"\r\n",
]
names = st.sampled_from(["x", "..", "%2e%2e%2f", "%00", "a" * 300, "%ff", "CON", "-", "é"])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """One service for all requests: what one leaves may disturb the next."""
    return make_bench(tmp_path_factory.mktemp("fuzz"))


@settings(max_examples=150, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "HEAD", "PATCH", "OPTIONS"]),
    path=st.sampled_from(PATHS),
    name=names,
    query=st.sampled_from(
        ["", "?limit=x", "?format=%00", "?cursor=%ff", "?upload=..", "?limit=9999999999999999999999"]
    ),
    headers=st.dictionaries(st.sampled_from(HEADERS), st.sampled_from(VALUES), max_size=4),
    body=st.lists(st.sampled_from(PIECES), max_size=5).map(b"".join),
)
def test_no_request_is_our_fault(
    bench: Bench, method: str, path: str, name: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    answer = asyncio.run(_ask(bench, method, path.format(name) + query, headers, body))
    if answer.status_code >= 400:
        assert answer.status_code < 500
        if method != "HEAD" and "html" not in answer.headers["content-type"]:
            assert Problem.model_validate_json(answer.content).status == answer.status_code


async def _ask(bench: Bench, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    request = httpx.Request(method, f"http://localhost{path}", headers=raw, content=body)
    answer = await bench.api.send(request)
    assert bench.spooled() == []
    return answer
