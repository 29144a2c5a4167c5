"""Bodies that are too large, too slow, or that end too early, over a real socket."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from starlette.types import Message

from saddlepoint.schemas import keys
from service.bodies import BodyLimits
from tests.processes import running, wait_until
from tests.service.bench import Bench, make_bench
from tests.service.live import RawClient, serving

FORM = "multipart/form-data; boundary=X"
SPEC = b'--X\r\nContent-Disposition: form-data; name="spec"\r\n\r\n{"env": "BoxingNoFrameskip-v4", "tier": "smoke"}\r\n'
FILE = b'--X\r\nContent-Disposition: form-data; name="policy"; filename="p"\r\n\r\n'
END = b"\r\n--X--\r\n"
MIB = 2**20
GB10 = 10 * 2**30
SOCKET_BUFFERS = 32 * MIB
"""More than the kernel takes in for both ends of a socket; what the service itself reads is counted elsewhere."""


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[Bench, str]]:
    """A service that takes files of 4 MiB and is more patient than any test."""
    with _serving(tmp_path, grace_s=60.0) as served:
        yield served


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[tuple[Bench, str]]:
    """One that is patient for a second."""
    with _serving(tmp_path, grace_s=1.0) as served:
        yield served


@contextmanager
def _serving(folder: Path, *, grace_s: float) -> Iterator[tuple[Bench, str]]:
    limits = BodyLimits(upload_bytes=4 * MIB, grace_s=grace_s, bytes_per_s=100_000, total_s=60.0)
    bench = make_bench(folder, limits=limits, max_upload_bytes=4 * MIB, api_keys={"key": "alice"})
    with serving(bench.app) as url:
        yield bench, url


KEY = {"Authorization": "Bearer key"}


def is_clean(bench: Bench) -> bool:
    return bench.spooled() == [] and [key for key in bench.stored() if key != keys.PROBE] == []


def test_a_declared_size_over_the_limit_is_refused_before_it_is_read(live: tuple[Bench, str]) -> None:
    bench, url = live
    with RawClient(url) as client:
        client.head("POST", "/evaluate", Content_Type=FORM, Content_Length=GB10, **KEY)
        sent = client.send_until_refused(bytes(65536), 1000)
        answer = client.answer()
    assert b"413" in answer.splitlines()[0]
    assert b"body-too-large" in answer
    assert sent < SOCKET_BUFFERS
    assert is_clean(bench)


def test_a_body_of_unknown_size_is_refused_where_it_passes_the_limit(live: tuple[Bench, str]) -> None:
    bench, url = live

    def endless() -> Iterator[bytes]:
        yield SPEC + FILE
        while True:
            yield bytes(65536)

    answer = httpx.post(f"{url}/evaluate", content=endless(), headers={**KEY, "Content-Type": FORM}, timeout=20)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert "4,194,304" in answer.json()["detail"]
    assert is_clean(bench)


@pytest.mark.parametrize("declared", [{"Content_Length": GB10}, {"Transfer_Encoding": "chunked"}])
def test_without_a_key_the_body_is_not_read(live: tuple[Bench, str], declared: dict[str, object]) -> None:
    bench, url = live
    with RawClient(url) as client:
        client.head("POST", "/evaluate", Content_Type=FORM, **declared)
        sent = client.send_until_refused(b"10000\r\n" + bytes(65536) + b"\r\n", 1000)
        answer = client.answer()
    assert b"401" in answer.splitlines()[0]
    assert b"WWW-Authenticate".lower() in answer.lower()
    assert sent < SOCKET_BUFFERS
    assert is_clean(bench)


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/evaluate", "/v1/evaluations", "/nowhere"])
@pytest.mark.parametrize("headers", [{}, KEY])
@pytest.mark.parametrize("declared", [{"content-length": str(GB10)}, {"transfer-encoding": "chunked"}])
async def test_at_most_a_mebibyte_is_read_of_what_is_refused(
    tmp_path: Path, path: str, headers: dict[str, str], declared: dict[str, str]
) -> None:
    bench = make_bench(tmp_path, api_keys={"key": "alice"})
    read, sent = 0, []

    async def receive() -> Message:
        nonlocal read
        read += 65536
        return {"type": "http.request", "body": b"-" * 65536, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [
        (name.lower().encode(), value.encode()) for name, value in {"content-type": FORM, **headers, **declared}.items()
    ]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": raw}
    await bench.app(scope, receive, send)
    assert sent[0]["status"] in (400, 401, 404, 413, 415)
    assert (b"connection", b"close") in sent[0]["headers"]
    assert read <= MIB


def test_a_client_that_asks_first_is_refused_without_sending(live: tuple[Bench, str]) -> None:
    _, url = live
    with RawClient(url) as client:
        client.head("POST", "/evaluate", Content_Type=FORM, Content_Length=GB10, Expect="100-continue", **KEY)
        assert client.socket.recv(65536).startswith(b"HTTP/1.1 413")


def test_a_client_that_stops_sending_is_told_so(impatient: tuple[Bench, str]) -> None:
    bench, url = impatient
    started = time.monotonic()
    with RawClient(url) as client:
        client.head("POST", "/evaluate", Content_Type=FORM, Content_Length=3 * MIB, **KEY)
        client.socket.sendall(SPEC + FILE + b"x")
        answer = client.answer()
    assert b"408" in answer.splitlines()[0]
    assert b"slow-body" in answer
    assert 1 <= time.monotonic() - started < 15
    assert is_clean(bench)


def test_a_client_that_trickles_is_told_so(impatient: tuple[Bench, str]) -> None:
    bench, url = impatient
    with RawClient(url) as client:
        client.head("POST", "/evaluate", Content_Type=FORM, Content_Length=3 * MIB, **KEY)
        client.socket.sendall(SPEC + FILE)
        for _ in range(400):
            if client.send_until_refused(b"x" * 1000, 1) == 0:
                break
            time.sleep(0.05)
        answer = client.answer()
    assert b"408" in answer.splitlines()[0]
    assert is_clean(bench)


def test_a_slow_json_body_is_refused_too(impatient: tuple[Bench, str]) -> None:
    _, url = impatient
    with RawClient(url) as client:
        client.head("POST", "/v1/evaluations", Content_Type="application/json", Content_Length=100, **KEY)
        assert b"408" in client.answer().splitlines()[0]


def test_a_client_that_hangs_up_leaves_nothing(live: tuple[Bench, str]) -> None:
    bench, url = live
    with RawClient(url) as client:
        client.head("POST", "/evaluate", Content_Type=FORM, Content_Length=3 * MIB, **KEY)
        client.socket.sendall(SPEC + FILE + bytes(MIB))
        wait_until(bench.spooled, within_s=30, what="the upload's file")
    wait_until(lambda: is_clean(bench), within_s=30, what="its removal")


def test_a_form_that_ends_too_early_leaves_nothing(live: tuple[Bench, str]) -> None:
    bench, url = live
    answer = httpx.post(f"{url}/evaluate", content=SPEC + FILE + b"half", headers={**KEY, "Content-Type": FORM})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-request")
    assert is_clean(bench)


def test_a_faulty_spec_is_answered_before_the_file_is_sent(live: tuple[Bench, str]) -> None:
    bench, url = live
    with RawClient(url) as client:
        client.head("POST", "/evaluate", Content_Type=FORM, Content_Length=3 * MIB, **KEY)
        client.socket.sendall(SPEC.replace(b"Boxing", b"Chess!") + FILE)
        answer = client.answer()
    assert b"422" in answer.splitlines()[0]
    assert b"unknown-environment" in answer
    assert is_clean(bench)


def test_a_connection_goes_on_after_an_answer_to_a_whole_body(live: tuple[Bench, str]) -> None:
    _, url = live
    with httpx.Client(base_url=url, headers=KEY) as client:
        refused = client.post("/nowhere", json={"a": 1})
        assert (refused.status_code, "connection" in refused.headers) == (404, False)
        whole = client.post("/evaluate", content=SPEC + FILE + b"policy" + END, headers={"Content-Type": FORM})
        assert whole.status_code == 202


def test_slow_clients_do_not_slow_a_healthy_one(live: tuple[Bench, str]) -> None:
    bench, url = live
    alone_s = _fastest_answer_s(url)
    slow = [RawClient(url) for _ in range(100)]
    try:
        for client in slow:
            client.head("POST", "/evaluate", Content_Type=FORM, Content_Length=3 * MIB, **KEY)
            client.socket.sendall(SPEC + FILE + bytes(1000))
        wait_until(lambda: len(bench.spooled()) == 100, within_s=30, what="the arrival of all")
        assert _fastest_answer_s(url) < 5 * alone_s + 0.5
    finally:
        for client in slow:
            client.socket.close()
    wait_until(lambda: is_clean(bench), within_s=30, what="the removal of all files")


def _fastest_answer_s(url: str) -> float:
    """The shortest of several times, which says what the service takes, and least about other load on the machine."""
    took_s = []
    for _ in range(5):
        started = time.monotonic()
        assert httpx.get(f"{url}/v1/attacks", headers=KEY, timeout=50).status_code == 200
        took_s.append(time.monotonic() - started)
    return min(took_s)


def test_memory_does_not_grow_with_the_body(tmp_path: Path) -> None:
    """50 MB on one connection: at most 30 MB more. On eight at once, 400 MB: at most 60, and 200 MB in all."""
    with running("-m", "tests.service.served", str(tmp_path)) as process:
        wait_until((tmp_path / "port").exists, within_s=30, what="the start of the service")
        url = f"http://127.0.0.1:{(tmp_path / 'port').read_text()}"
        wait_until(lambda: _is_up(url), within_s=30, what="its first answer")
        _post(url, 1 * MIB, 0)
        before = _resident(process.pid)
        peak = Peak(process.pid)
        assert _post(url, 50 * MIB, 1) == 202
        assert peak.stop() - before < 30 * MIB
        peak = Peak(process.pid)
        uploads = [threading.Thread(target=_post, args=(url, 50 * MIB, number)) for number in range(2, 10)]
        for upload in uploads:
            upload.start()
        for upload in uploads:
            upload.join()
        assert peak.stop() - before < 60 * MIB
        assert _resident(process.pid) < 200 * MIB


class Peak:
    """The largest resident memory of a process, looked at every few milliseconds."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._largest = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> int:
        self._stopped.set()
        self._thread.join()
        return self._largest

    def _look(self) -> None:
        while not self._stopped.wait(0.005):
            self._largest = max(self._largest, _resident(self._pid))


def _resident(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez").is_success
    except httpx.TransportError:
        return False


def _post(url: str, size: int, number: int) -> int:
    def body() -> Iterator[bytes]:
        yield SPEC + FILE + number.to_bytes(4)
        for _ in range(size // 65536):
            yield bytes(65536)
        yield END

    return httpx.post(f"{url}/evaluate", content=body(), headers={"Content-Type": FORM}, timeout=60).status_code
