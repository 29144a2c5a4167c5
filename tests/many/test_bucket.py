"""The store on a server that speaks S3 over a socket."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import pytest

from clients.premises import free_port
from saddlepoint.errors import ArtifactNotFound, StoreError
from saddlepoint.store import Store, open_store
from tests.many.bucket import URL, environment, environment_of, running_bucket

WRITERS = 16


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_bucket() as variables, environment(variables):
        yield open_store(URL)


def race(put: Callable[[int], bool]) -> list[bool]:
    """What writers that begin at once are told."""
    barrier = threading.Barrier(WRITERS)

    def begin(writer: int) -> bool:
        barrier.wait()
        return put(writer)

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(begin, range(WRITERS)))


def test_of_sixteen_writers_of_a_key_one_wins_every_time(store: Store) -> None:
    for number in range(50):
        key = f"raced/{number}"
        won = race(lambda writer: store.put(key, b"%d" % writer))  # noqa: B023
        assert won.count(True) == 1
        assert store.get(key) == b"%d" % won.index(True)


def test_of_sixteen_files_of_many_parts_one_wins(store: Store, tmp_path: Path) -> None:
    def put(writer: int) -> bool:
        file = tmp_path / str(writer)
        file.write_bytes(b"%02d" % writer * 3 * 2**20)
        return store.put_file("raced/file", file)

    won = race(put)
    assert won.count(True) == 1
    assert store.get("raced/file") == b"%02d" % won.index(True) * 3 * 2**20
    assert store.sweep(-1) == 0


def test_keys_are_listed_in_order_over_pages_and_from_a_key_on(store: Store) -> None:
    keys = [f"listed/{number:04}" for number in range(1200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(key, b""), reversed(keys)))
    assert list(store.list("listed/")) == keys
    assert list(store.list("listed/", start_after=keys[1100])) == keys[1101:]


def test_what_is_deleted_is_not_found(store: Store) -> None:
    store.put("deleted", b"")
    store.delete("deleted")
    store.delete("deleted")
    with pytest.raises(ArtifactNotFound):
        store.get("deleted")


def test_a_bucket_that_is_not_there_is_no_missing_artifact(store: Store) -> None:
    elsewhere = open_store("s3://another/artifacts")
    for ask in (lambda: elsewhere.put("key", b""), lambda: elsewhere.get("key"), lambda: list(elsewhere.list(""))):
        with pytest.raises(StoreError) as caught:
            ask()
        assert not isinstance(caught.value, ArtifactNotFound)


def test_a_server_that_is_not_there_is_given_up_within_seconds() -> None:
    with environment(environment_of(f"http://127.0.0.1:{free_port(0)}")):
        began = monotonic()
        with pytest.raises(StoreError):
            open_store(URL).put("key", b"")
    assert monotonic() - began < 25


def test_plain_http_is_refused_unless_it_is_allowed(store: Store) -> None:
    with environment({"AWS_ALLOW_HTTP": "false"}), pytest.raises(StoreError):
        open_store(URL).put("plain", b"")
    assert not store.exists("plain")


def test_a_put_that_is_cut_off_in_the_middle_leaves_nothing(store: Store) -> None:
    where = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    head = ("PUT /saddlepoint/artifacts/cut HTTP/1.1", f"Host: {where.netloc}", "If-None-Match: *", "Content-Length: 9")
    with socket.create_connection((where.hostname, where.port)) as writer:
        writer.sendall("".join(f"{line}\r\n" for line in (*head, "")).encode() + b"half")
        writer.shutdown(socket.SHUT_WR)
        writer.settimeout(20)
        while writer.recv(4096):  # until the server is done with it
            pass
    assert not store.exists("cut")
    assert store.put("cut", b"whole")
    assert store.get("cut") == b"whole"


class _Refusing(BaseHTTPRequestHandler):
    """Answers the statuses of `script` in turn, the last one for ever."""

    script: tuple[int, ...]
    asked = 0

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status = self.script[min(self.asked, len(self.script) - 1)]
        type(self).asked += 1
        self.send_response(status)
        self.send_header("ETag", '"0"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        del format, args


@pytest.fixture
def refusing() -> Iterator[Callable[..., type[_Refusing]]]:
    servers: list[ThreadingHTTPServer] = []

    def serve(*script: int) -> type[_Refusing]:
        handler = type("Handler", (_Refusing,), {"script": script, "asked": 0})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        patch.enter_context(environment(environment_of(f"http://127.0.0.1:{server.server_port}")))
        return handler

    with ExitStack() as patch:
        yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_server_that_asks_to_slow_down_is_asked_again(refusing: Callable[..., type[_Refusing]]) -> None:
    handler = refusing(503, 503, 200)
    assert open_store(URL).put("key", b"data")
    assert handler.asked == 3


def test_a_put_whose_first_answer_was_lost_says_that_the_key_is_taken(refusing: Callable[..., type[_Refusing]]) -> None:
    handler = refusing(500, 412)
    assert not open_store(URL).put("key", b"data")
    assert handler.asked == 2


def test_a_server_that_always_asks_to_slow_down_is_given_up(refusing: Callable[..., type[_Refusing]]) -> None:
    refusing(503)
    began = monotonic()
    with pytest.raises(StoreError, match="could not put key"):
        open_store(URL).put("key", b"data")
    assert monotonic() - began < 25


def test_wrong_credentials_are_an_error_that_is_not_repeated(refusing: Callable[..., type[_Refusing]]) -> None:
    handler = refusing(403)
    with pytest.raises(StoreError):
        open_store(URL).put("key", b"data")
    assert handler.asked == 1
