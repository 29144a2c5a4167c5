"""`saddlepoint up`: the whole stack on one machine, in the foreground, until it is told to end."""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

import httpx

from clients.children import ChildSpec
from clients.premises import HOST, check_installed, free_port, locked, socket_folder, valkey_command
from clients.supervisor import TICK_S, Supervisor
from saddlepoint.errors import Unavailable

READY_S = 120.0
_TOO_MANY_DEATHS = 3


@dataclass(frozen=True)
class UpOptions:
    """What to start, and where it keeps its data. Port 0 is any free one."""

    data: Path
    workers: int
    port: int = 8000


def run_up(options: UpOptions, *, announce: Callable[[str], None], say: Callable[[str], None]) -> None:
    """Run the stack until SIGINT or SIGTERM. `announce` gets the URL once it is ready, `say` the rest.

    Raises InvalidRequest (an extra is missing, the data or the port are in use) and Unavailable (it does not start).
    """
    check_installed()
    with _signals() as signals, locked(options.data) as data, socket_folder() as sockets:
        port = free_port(options.port)
        specs = stack(data, sockets / "valkey.sock", port, options.workers)
        with Supervisor(specs, data / "logs", say=say, hurry=lambda: signals.count > 1) as supervisor:
            say(f"Starting {len(specs)} processes; data and logs are in {data}")
            supervisor.start()
            url = f"http://{HOST}:{port}"
            if _await_ready(supervisor, url, signals):
                announce(url)
            while not signals.count:
                supervisor.tend()
                time.sleep(TICK_S)
            say("Stopping")
    say("Stopped")


def stack(data: Path, valkey_socket: Path, port: int, workers: int) -> list[ChildSpec]:
    """Every process of the stack: Valkey first, then what works, then the service that takes the work in."""
    environment = {
        **environment_of(data, valkey_socket),
        "SADDLEPOINT_HOST": HOST,
        "SADDLEPOINT_PORT": str(port),
    }
    service = _python("service", "service", stage=1, environment=environment)
    return [*engine(data, valkey_socket, workers, environment), service]


def environment_of(data: Path, valkey_socket: Path) -> dict[str, str]:
    """Where the processes of a stack find its store and its queue."""
    return {
        "SADDLEPOINT_STORE_URL": str(data / "store"),
        "SADDLEPOINT_REDIS_URL": f"unix://{valkey_socket}",
        "PYTHONUNBUFFERED": "1",
    }


def engine(data: Path, valkey_socket: Path, workers: int, environment: Mapping[str, str]) -> list[ChildSpec]:
    """All of a stack but the service."""
    python = partial(_python, stage=2, environment=environment)
    evaluators = [python(f"evaluator-{number}", "worker", "--queue", "evaluate") for number in range(1, workers + 1)]
    return [
        ChildSpec("valkey", valkey_command(data / "valkey", valkey_socket), stage=0),
        python("validator", "worker", "--queue", "validate"),
        *evaluators,
        python("reconciler", "worker.reconciler"),
        python("trainer", "trainer"),
    ]


def _python(name: str, *arguments: str, stage: int, environment: Mapping[str, str]) -> ChildSpec:
    return ChildSpec(name, (sys.executable, "-m", *arguments), stage, environment)


def check_starting(supervisor: Supervisor) -> None:
    """Raise Unavailable, with the end of its log, where a child dies again and again."""
    for child in supervisor.children:
        if child.deaths >= _TOO_MANY_DEATHS:
            raise Unavailable(f"{child.spec.name} does not start; the end of {child.log}:\n{child.tail()}")


@dataclass
class _Signals:
    """How often the stack was told to end; the second time it hurries."""

    count: int = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.count += 1


@contextmanager
def _signals() -> Iterator[_Signals]:
    signals = _Signals()
    heard = [number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if not _is_ignored_hangup(number)]
    before = {number: signal.signal(number, signals) for number in heard}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_ignored_hangup(number: signal.Signals) -> bool:
    """Whether this was started by `nohup`, which wants it to stay."""
    return number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN


def _await_ready(supervisor: Supervisor, url: str, signals: _Signals) -> bool:
    """True once the service says it is ready, False when told to end before. Raises Unavailable."""
    deadline = time.monotonic() + READY_S
    with httpx.Client(trust_env=False, timeout=2.0) as http:
        while not signals.count:
            supervisor.tend()
            check_starting(supervisor)
            if _is_ready(http, url):
                return True
            if time.monotonic() > deadline:
                raise Unavailable(f"The service was not ready within {READY_S:g} s; see the logs beside the data.")
            time.sleep(TICK_S)
    return False


def _is_ready(http: httpx.Client, url: str) -> bool:
    try:
        return http.get(f"{url}/readyz").is_success
    except httpx.TransportError:
        return False
