"""The processes of `saddlepoint up`, under its own supervisor, known by name so that they can be struck."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import psutil

from clients.children import Backoff, ChildSpec
from clients.premises import HOST, free_port, socket_folder
from clients.supervisor import Supervisor
from clients.up import stack as processes_of
from saddlepoint.store import Store, open_store
from tests.processes import through_full_disks, wait_until

IMPATIENT = {
    "evaluator": ("tests.faults.worker_process", "evaluate"),
    "trainer": ("tests.trainer.trainer_process", "steady"),
}
"""By role, what runs instead of the modules of production: workers that take each other for dead after six seconds,
and keep a checkpoint after every update, since a whole training takes seconds here."""
_ENVIRONMENT = {"SADDLEPOINT_PRECISION": "fp32", "OMP_NUM_THREADS": "1"}
_SOON = Backoff(first_s=0.5, longest_s=1.0)
"""What is killed all the time must not be taken for what cannot live."""


@dataclass(frozen=True)
class Plan:
    """What to start: how many evaluators, what instead of a role's module, and what in front of every module."""

    workers: int = 2
    instead: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: IMPATIENT)
    through: tuple[str, ...] = ("tests.chaos.unlucky",)
    reconcile_interval_s: float = 2.0


PRODUCTION = Plan(instead={}, through=(), reconcile_interval_s=10.0)


@dataclass
class Stack:
    """A stack that runs. Only the thread that made it may call `tend`: its processes die with that thread."""

    url: str
    redis_url: str
    valkey_data: Path
    store: Store
    store_folder: Path
    supervisor: Supervisor

    def tend(self) -> None:
        """Start again what has ended."""
        self.supervisor.tend()

    def processes(self, role: str) -> list[psutil.Process]:
        """The processes of a role that are there now; `evaluator` has several."""
        found = []
        for child in self.supervisor.children:
            if child.spec.name.startswith(role) and child.pid is not None and child.is_alive:
                with suppress(psutil.NoSuchProcess):
                    found.append(psutil.Process(child.pid))
        return found

    def horses(self, role: str) -> list[psutil.Process]:
        """The processes in which workers of a role do their jobs."""
        return [horse for worker in self.processes(role) for horse in horses_of(worker)]

    def has_work(self) -> bool:
        """Whether something that was accepted goes on."""
        return any(True for _ in self.store.list("active/"))

    def lose_queue(self) -> None:
        """Delete what Valkey kept; it must not run."""
        shutil.rmtree(self.valkey_data)
        self.valkey_data.mkdir()


def horses_of(worker: psutil.Process) -> list[psutil.Process]:
    """A fork has the command line of its parent; other children have their own."""
    with suppress(psutil.NoSuchProcess):
        words = worker.cmdline()
        return [child for child in worker.children() if _words(child) == words]
    return []


def _words(process: psutil.Process) -> list[str] | None:
    """None once it has ended, or while it is a zombie."""
    try:
        return process.cmdline() or None
    except psutil.Error:
        return None


@contextmanager
def running(folder: Path, plan: Plan, say: Callable[[str], None]) -> Iterator[Stack]:
    """A stack with its data in `folder`, ready, and gone afterwards."""
    folder = folder.absolute()
    with socket_folder() as sockets:
        port = free_port(0)
        socket = sockets / "valkey.sock"
        specs = [_changed(spec, plan) for spec in processes_of(folder, socket, port, plan.workers)]
        with Supervisor(specs, folder / "logs", say=say, hurry=lambda: True, backoff=_SOON) as supervisor:
            supervisor.start()
            store_folder = folder / "store"
            stack = Stack(
                f"http://{HOST}:{port}",
                f"unix://{socket}",
                folder / "valkey",
                open_store(str(store_folder)),
                store_folder,
                supervisor,
            )
            wait_until(lambda: is_ready(stack), within_s=120, what="the start of the stack")
            yield stack


def is_ready(stack: Stack) -> bool:
    stack.tend()
    time.sleep(0.1)
    with suppress(httpx.TransportError):
        return httpx.get(f"{stack.url}/readyz", timeout=2.0, trust_env=False).is_success
    return False


def _changed(spec: ChildSpec, plan: Plan) -> ChildSpec:
    if spec.argv[0] != sys.executable:
        return replace(spec, argv=through_full_disks(spec.argv))
    module = plan.instead.get(spec.name.partition("-")[0], spec.argv[2:])
    settings = _ENVIRONMENT | {"SADDLEPOINT_RECONCILE_INTERVAL_S": f"{plan.reconcile_interval_s}"}
    return replace(
        spec, argv=(sys.executable, "-m", *plan.through, *module), environment={**spec.environment, **settings}
    )
