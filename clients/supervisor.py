"""Keeps a set of child processes alive, and ends them in order without leaving any of their descendants behind."""

import time
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from clients.children import Backoff, Child, ChildSpec

if TYPE_CHECKING:
    from psutil import Process

TICK_S = 0.1


class Supervisor:
    """Starts children stage by stage, restarts what dies, stops them in the opposite order.

    `hurry` is asked while children end; once it says True they are killed without waiting.
    """

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        logs: Path,
        *,
        say: Callable[[str], None],
        hurry: Callable[[], bool] = lambda: False,
        backoff: Backoff | None = None,
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        ordered = sorted(specs, key=lambda spec: spec.stage)
        self.children = [Child(spec, logs / f"{spec.name}.log", backoff or Backoff()) for spec in ordered]
        self._say = say
        self._hurry = hurry

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        for child in self.children:
            child.start()

    def tend(self) -> None:
        """Look after every child once."""
        for child in self.children:
            status = child.tend()
            if status is not None:
                self._say(f"{child.spec.name} ended with status {status} and is started again; see {child.log}")

    def stop(self) -> None:
        """End all children, the latest stage first, and whatever they started that is still there."""
        for _, stage in groupby(reversed(self.children), key=lambda child: child.spec.stage):
            children = list(stage)
            descendants = [process for child in children for process in _descendants(child)]
            for child in children:
                child.terminate()
            self._await(children)
            for child in children:
                child.kill()
            _kill(descendants)

    def _await(self, children: Sequence[Child]) -> None:
        deadline = time.monotonic() + max(child.spec.grace_s for child in children)
        while any(child.is_alive for child in children) and time.monotonic() < deadline and not self._hurry():
            time.sleep(TICK_S / 2)


def _descendants(child: Child) -> "list[Process]":
    """Processes below a child, which may sit in groups and sessions of their own."""
    import psutil

    if child.pid is None or not child.is_alive:
        return []
    try:
        return list(psutil.Process(child.pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _kill(processes: "Sequence[Process]") -> None:
    import psutil

    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=2.0)
