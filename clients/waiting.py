"""Waiting for a job: the event stream while it holds, polls in between, until the job ends or time is up."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic

import httpx
from pydantic import ValidationError

from clients.events import EventReader, ServerEvent
from clients.finished_cells import FinishedCells
from clients.jobs import J, JobKind, is_terminal
from clients.retries import RetryPolicy, ask
from clients.wire import Call, Flow, Listen, Pause, read
from saddlepoint.errors import SaddlepointError, Unavailable, WaitTimedOut
from saddlepoint.schemas.reports import Cell

POLL_S = 1.0
PATIENCE_S = 300.0
"""How long the service may be away while a job is watched: the job itself survives that."""


@dataclass
class Watch(Generic[J]):
    """One wait for one job; `seen` is called with every state that is heard of."""

    kind: JobKind[J]
    job_id: str
    seen: Callable[[J], None]
    timeout_s: float | None = None
    clock: Callable[[], float] = time.monotonic
    _latest: J | None = field(default=None, init=False)
    _last_id: str = field(default="", init=False)
    _cells: FinishedCells = field(default_factory=FinishedCells, init=False)

    def flow(self, policy: RetryPolicy) -> Flow[J]:
        """The job once it ended, however that was. Raises WaitTimedOut, Unavailable, NotFound."""
        deadline = None if self.timeout_s is None else self.clock() + self.timeout_s
        last_heard = self.clock()
        while True:
            try:
                job = yield from self._poll(policy)
                last_heard = self.clock()
                if is_terminal(job):
                    return job
            except Unavailable:
                if self.clock() - last_heard > PATIENCE_S:
                    raise
            self._check(deadline)
            if (yield from self._listen(deadline)):
                assert self._latest is not None
                return self._latest
            self._check(deadline)
            yield Pause(POLL_S)

    def _poll(self, policy: RetryPolicy) -> Flow[J]:
        response = yield from ask(Call("GET", self.kind.path(self.job_id)), policy)
        job = read(self.kind.model, response)
        self._take(job)
        return job

    def _listen(self, deadline: float | None) -> Flow[bool]:
        """Read the event stream until the job ends (True), or until the stream does or cannot be had (False)."""
        reader = EventReader(self._on_event, self._last_id)
        silence_s = Listen.silence_s if deadline is None else min(Listen.silence_s, deadline - self.clock())
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": reader.last_id} if reader.last_id else {})
        try:
            yield Listen(
                f"{self.kind.path(self.job_id)}/events", _Until(reader, deadline, self.clock), headers, silence_s
            )
        except httpx.TransportError:
            return False
        finally:
            self._last_id = reader.last_id
        return self._latest is not None and is_terminal(self._latest)

    def _on_event(self, event: ServerEvent) -> bool:
        """Take a state of the job, or a cell that has finished; what cannot be read is asked for anew."""
        try:
            if event.name == "cell":
                self._cells.add(Cell.model_validate_json(event.data, extra="ignore"))
                job = self._latest
            elif event.name in ("progress", "terminal"):
                job = self.kind.model.model_validate_json(event.data, extra="ignore")
            else:
                return False
        except (ValidationError, SaddlepointError):
            return True
        if job is None:
            return False
        self._take(job)
        return is_terminal(job)

    def _take(self, job: J) -> None:
        self._latest = self._cells.fill(job)
        self.seen(self._latest)

    def _check(self, deadline: float | None) -> None:
        if deadline is not None and self.clock() >= deadline:
            raise WaitTimedOut(
                f"The {self.kind.noun} {self.job_id} did not end within {self.timeout_s:g} s. It goes on: "
                f"watch it with `saddlepoint watch {self.job_id}`."
            )


@dataclass(frozen=True)
class _Until:
    """A reader that also stops when time is up."""

    reader: EventReader
    deadline: float | None
    clock: Callable[[], float]

    def feed(self, line: str) -> bool:
        return self.reader.feed(line) or (self.deadline is not None and self.clock() >= self.deadline)
