"""HEAD is GET without the body, wherever there is GET."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from saddlepoint.store import Stream
from saddlepoint.store.local import LocalStore
from service.pages import ASSETS
from service.scopes import SCOPE_OF
from tests.service.bench import Bench, make_bench
from tests.service.live import RawClient, serving
from tests.service.test_metrics import samples
from tests.service.test_tenants import things_of

pytestmark = pytest.mark.anyio
OPENED = [path for method, path in SCOPE_OF if method == "GET"]
CHANGING = {"x-request-id", "ratelimit"}
"""From one request to the next."""

RESULTS = ("attacks/{attack_id}", "comparisons/{comparison_id}", "landscapes/{landscape_id}")

Answered = tuple[int, dict[str, str], list[bytes]]
Furnished = tuple[Bench, dict[str, str], dict[str, str]]


async def ask(bench: Bench, method: str, path: str, headers: dict[str, str]) -> Answered:
    """The status, the headers and the pieces of the body as the application sends them; httpx would drop those."""
    sent: list[dict[str, Any]] = []
    raw = [(name.lower().encode(), value.encode()) for name, value in {"Host": "localhost", **headers}.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": raw,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }

    asked: list[dict[str, Any]] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not asked:
            await anyio.sleep_forever()
        return asked.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    await bench.app(scope, receive, send)
    start, *rest = sent
    found = {name.decode(): value.decode() for name, value in start["headers"] if name.decode() not in CHANGING}
    return start["status"], found, [message.get("body", b"") for message in rest]


@pytest.fixture
async def furnished(bench: Bench) -> Furnished:
    """A service that has one thing of each kind, their ids, and the header of a key to them. Its streams end."""
    bob = {**bench.key("bob"), "Prefer": "wait=0"}
    ids = {**await things_of(bench, bob), "version": ASSETS.version, "name": min(ASSETS.files)}
    await bench.api.post(f"/v1/trainings/{ids['training_id']}/cancel", headers=bob)
    return bench, ids, bob


async def test_every_route_with_get_has_head(furnished: Furnished) -> None:
    bench, ids, bob = furnished
    statuses = set()
    for path in OPENED:
        url = path.format(**ids)
        status, headers, body = await ask(bench, "GET", url, bob)
        if path == "/metrics":  # it counts the request before it
            headers.pop("content-length")
        got, said, nothing = await ask(bench, "HEAD", url, bob)
        assert (path, got, nothing) == (path, status, [b""])
        assert {name: value for name, value in said.items() if name in headers} == headers, path
        assert "content-length" not in headers or int(headers["content-length"]) == len(b"".join(body)), path
        statuses.add((path, status))
    unfinished = {f"/v1/{name}/result" for name in RESULTS} | {"/v1/trainings/{training_id}/report"}
    assert {path for path, status in statuses if status != 200} == unfinished


async def test_a_known_tag_is_not_modified(furnished: Furnished) -> None:
    bench, ids, bob = furnished
    path = f"/v1/policies/{ids['policy_id']}/file"
    status, headers, _ = await ask(bench, "HEAD", path, bob)
    assert (status, headers["content-length"]) == (200, str(len(b"the canonical model")))
    assert (await ask(bench, "HEAD", path, {**bob, "If-None-Match": headers["etag"]}))[0] == 304


async def test_a_file_is_not_read(furnished: Furnished, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, ids, bob = furnished
    read: list[int] = []

    def endless() -> Iterator[bytes]:
        while len(read) < 10**6:
            read.append(1)
            yield b"x"

    monkeypatch.setattr(LocalStore, "stream", lambda self, key: Stream(10**6, endless()))
    status, headers, body = await ask(bench, "HEAD", f"/v1/policies/{ids['policy_id']}/file", bob)
    assert (status, headers["content-length"], body) == (200, "1000000", [b""])
    assert len(read) <= 2


async def test_a_stream_of_events_that_goes_on_ends_at_once(bench: Bench) -> None:
    evaluation_id = (await bench.evaluate()).json()["id"]
    status, headers, body = await ask(bench, "HEAD", f"/v1/evaluations/{evaluation_id}/events", {})
    assert (status, body) == (200, [b""])
    assert headers["content-type"].startswith("text/event-stream")
    gc.collect()  # the framework leaves a generator that waits for its reader to the collector
    with anyio.fail_after(5):
        while bench.context.evaluation_events._open:
            await anyio.sleep(0.01)
    text = (await bench.api.get("/metrics")).text
    assert samples(text)["saddlepoint_event_streams",] == 0


async def test_it_takes_the_scope_of_get_and_its_refusal_is_noted(bench: Bench) -> None:
    admin, reader = bench.key("alice", "admin"), bench.key("alice", "read")
    assert [(await ask(bench, "HEAD", "/v1/audit", headers))[0] for headers in ({}, reader, admin)] == [401, 403, 200]
    (event,) = (await bench.api.get("/v1/audit", headers=admin)).json()["items"]
    assert (event["method"], event["path"], event["status"]) == ("HEAD", "/v1/audit", 403)


async def test_whoever_has_no_key_is_sent_to_the_login_as_by_get(bench: Bench) -> None:
    bench.key("alice")
    asked = {"Accept": "text/html"}
    got, head = [await ask(bench, method, "/policies", asked) for method in ("GET", "HEAD")]
    assert (head[0], head[1]) == (got[0], got[1])
    assert head[1]["location"] == "/login?next=/policies"


async def test_it_is_counted_as_what_it_is_by_route(bench: Bench) -> None:
    await ask(bench, "HEAD", "/v1/evaluations/one", {})
    found = samples((await bench.api.get("/metrics")).text)
    assert found["saddlepoint_http_requests_total", "HEAD", "/v1/evaluations/{evaluation_id}", "404"] == 1


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("HEAD", "/evaluate", "POST"),
        ("POST", "/livez", "GET, HEAD"),
        ("PUT", "/v1/evaluations", "GET, HEAD, POST"),
        ("POST", "/v1/policies/x", "DELETE, GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(bench: Bench, method: str, path: str, allowed: str) -> None:
    status, headers, _ = await ask(bench, method, path, {})
    assert (status, headers["allow"]) == (405, allowed)


async def test_the_document_says_nothing_more(bench: Bench) -> None:
    document = bench.app.openapi()
    assert [path for path, methods in document["paths"].items() if "head" in methods] == []


def test_on_the_wire_nothing_follows_the_head(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    with serving(bench.app) as url:
        length = httpx.get(f"{url}/openapi.json").headers["content-length"]
        with RawClient(url) as client:
            client.head("HEAD", "/openapi.json")
            client.head("GET", "/livez", Connection="close")
            first, _, second = client.answer().partition(b"\r\n\r\n")
    assert f"content-length: {length}".encode() in first.lower()
    assert second.startswith(b"HTTP/1.1 200")


def test_a_stream_on_the_wire_ends_and_leaves_the_connection(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    form: dict[str, Any] = {"spec": (None, '{"env": "BoxingNoFrameskip-v4"}'), "policy": ("p", b"policy")}
    with serving(bench.app) as url, httpx.Client(base_url=url, timeout=10) as client:
        path = f"/v1/evaluations/{client.post('/evaluate', files=form).json()['id']}/events"
        with RawClient(url) as raw:
            raw.socket.settimeout(10)
            raw.head("HEAD", path)
            raw.head("GET", "/livez", Connection="close")
            first, _, second = raw.answer().partition(b"\r\n\r\n")
    assert b"text/event-stream" in first
    assert second.startswith(b"HTTP/1.1 200")
