"""What `AttackClient.local` talks to: all of Saddlepoint inside this process and its children, and no server to run.

The service answers on a thread of this process, over a Unix socket in a folder that nobody else can enter; no port is
opened. What reads uploads, plays and trains are children with the programs of every stack: an uploaded file is opened
only where it can do no harm, sums are the same to the last bit whatever this process has done to its own threads, and
an interrupt reaches the caller alone. Closing the transport ends them, and so does the end of this process.
"""

import os
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import uvicorn

from clients.children import ChildSpec
from clients.console import Console
from clients.operations import WEBHOOK_HEADER
from clients.premises import default_workers, locked, socket_folder
from clients.supervisor import TICK_S, Supervisor
from clients.up import READY_S, check_starting, engine, environment_of
from saddlepoint.errors import InvalidRequest, Unavailable
from saddlepoint.queue import JobQueue
from saddlepoint.settings import Settings
from saddlepoint.store import open_store
from service.app import create_app

URL = "http://localhost"
"""Requests need one; the transport connects to its socket whatever it says."""
_ANSWER_S = 1.0
_SHUTDOWN_S = 1


class LocalTransport(httpx.BaseTransport):
    """Carries requests to a service of its own, which keeps its data in `data`, or in a folder that goes with it.

    Raises InvalidRequest (the data are in use) and Unavailable (it does not start), and refuses to tell webhooks.
    """

    def __init__(self, data: str | Path | None, workers: int | None) -> None:
        with ExitStack() as parts:
            folder = Path(data or parts.enter_context(tempfile.TemporaryDirectory(prefix="saddlepoint-")))
            running = _running(folder, workers or default_workers())
            self._http = parts.enter_context(httpx.HTTPTransport(uds=str(parts.enter_context(running))))
            self._close = weakref.finalize(self, parts.pop_all().close)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if WEBHOOK_HEADER in request.headers:
            raise InvalidRequest(
                "A local client may end before a webhook is told; wait for the job instead, or use the service of "
                "`saddlepoint up`."
            )
        return self._http.handle_request(request)

    def close(self) -> None:
        self._close()


@contextmanager
def _running(folder: Path, workers: int) -> Iterator[Path]:
    """The socket at which the service answers."""
    with locked(folder) as data, socket_folder() as sockets:
        environment = environment_of(data, sockets / "valkey.sock")
        # Keys are for those who come from elsewhere, and nobody does.
        settings = Settings.from_environment({**os.environ, **environment, "SADDLEPOINT_API_KEYS": ""})
        queue = JobQueue.open(settings.redis_url, answer_s=_ANSWER_S)
        specs = engine(data, sockets / "valkey.sock", workers, environment)
        with _supervised(specs, data / "logs", queue), _served(settings, queue, sockets / "service.sock") as socket:
            yield socket


@contextmanager
def _supervised(specs: list[ChildSpec], logs: Path, queue: JobQueue) -> Iterator[None]:
    """Children that are looked after by a thread, on whose life theirs hangs; left once the queue answers."""
    supervisor = Supervisor(specs, logs, say=Console().say)
    ended = threading.Event()

    def tend() -> None:
        with supervisor:
            supervisor.start()
            while not ended.wait(TICK_S):
                supervisor.tend()

    thread = threading.Thread(target=tend, name="saddlepoint-supervisor", daemon=True)
    thread.start()
    try:
        _await_queue(queue, supervisor)
        yield
    finally:
        ended.set()
        thread.join()


def _await_queue(queue: JobQueue, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            return queue.ping()
        except Unavailable:
            check_starting(supervisor)
            if time.monotonic() > deadline:
                raise
        time.sleep(TICK_S)


@contextmanager
def _served(settings: Settings, queue: JobQueue, socket: Path) -> Iterator[Path]:
    """The service on a thread; left once it listens."""
    app = create_app(settings, open_store(settings.store_url), queue)
    config = uvicorn.Config(
        app, uds=str(socket), log_config=None, access_log=False, timeout_graceful_shutdown=_SHUTDOWN_S
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="saddlepoint-service", daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise Unavailable("The service did not start in this process; its error was printed above.")
            time.sleep(TICK_S / 10)
        yield socket
    finally:
        server.should_exit = True
        thread.join()
