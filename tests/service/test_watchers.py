"""What it costs that many look at one evaluation."""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.processes import running, wait_until

WATCHERS = 200
WINDOW_S = 15.0
MOST_CPU = 0.10


@contextmanager
def watched(folder: Path) -> Iterator[tuple[psutil.Process, int, str]]:
    """The process of a service, its port, and the evaluation that goes on there."""
    with running("-m", "tests.service.watched", str(folder)) as process:
        wait_until((folder / "port").exists, within_s=60, what="the port")
        port = int((folder / "port").read_text())
        wait_until(lambda: answers(port), within_s=60, what="the service")
        yield psutil.Process(process.pid), port, (folder / "id").read_text()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def watch(port: int, evaluation_id: str) -> socket.socket:
    """A connection that its reader's events come by."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    request = f"GET /v1/evaluations/{evaluation_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    connection.sendall(request.encode())
    return connection


def cpu_share(process: psutil.Process, connections: list[socket.socket]) -> tuple[float, int]:
    """Of one core, that the service takes while the connections are read; and how many events came."""
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ)
        before, started, events = sum(process.cpu_times()[:2]), time.monotonic(), 0
        while (left_s := started + WINDOW_S - time.monotonic()) > 0:
            for key, _ in selector.select(left_s):
                assert isinstance(key.fileobj, socket.socket)
                events += key.fileobj.recv(2**20).count(b"event: progress")
        return (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - started), events


@pytest.mark.slow
def test_two_hundred_watchers_take_a_tenth_of_a_core(tmp_path: Path) -> None:
    with watched(tmp_path) as (process, port, evaluation_id), ExitStack() as open_ones:
        one = [open_ones.enter_context(watch(port, evaluation_id))]
        alone, _ = cpu_share(process, one)
        many = [*one, *(open_ones.enter_context(watch(port, evaluation_id)) for _ in range(WATCHERS - 1))]
        together, events = cpu_share(process, many)
    assert events >= WATCHERS * WINDOW_S / 4
    assert together - alone <= MOST_CPU, f"{alone:.3f} of a core for one watcher, {together:.3f} for {WATCHERS}"
