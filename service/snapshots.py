"""Evaluations and trainings as they are now, ready to be sent, without asking the store at every poll."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from starlette.concurrency import run_in_threadpool

from saddlepoint.errors import NotFound
from saddlepoint.schemas.comparisons import Comparison
from saddlepoint.schemas.evaluations import TERMINAL, Evaluation
from saddlepoint.schemas.landscapes import Landscape
from saddlepoint.schemas.observation_attacks import ObservationAttack
from saddlepoint.schemas.trainings import Training
from service.rendering import etag_of

Job = TypeVar("Job", Evaluation, Training)
"""What has a stream of events."""
AnyJob = TypeVar("AnyJob", Evaluation, Training, ObservationAttack, Landscape, Comparison)

FRESH_S = 0.25
"""A running job's state is shown for this long before it is read again."""
STEP_S = 0.5
"""Between two looks of somebody who waits."""
CACHED_BYTES = 4 * 2**20
"""Of each kind of job: two thousand, or hundreds of large ones."""
OVERHEAD_BYTES = 1000
"""What a snapshot takes beside its body."""


@dataclass(frozen=True)
class Snapshot(Generic[AnyJob]):
    """A job at a moment, as its JSON: ten times smaller than what is parsed from it, and mostly sent as it is."""

    owner: str
    kind: type[AnyJob]
    body: bytes
    etag: str
    taken_at: float
    """Of the monotonic clock."""
    is_terminal: bool
    is_final: bool
    """Whether nothing of it changes any more: what a training gained is shown after its end."""

    @classmethod
    def of(cls, owner: str, job: AnyJob, taken_at: float) -> Self:
        body = job.model_dump_json().encode()
        is_terminal = job.status in TERMINAL
        proof = job.proof if isinstance(job, Training) else None
        is_final = is_terminal and not (proof is not None and proof.is_pending)
        return cls(owner, type(job), body, etag_of(body), taken_at, is_terminal, is_final)

    @property
    def job(self) -> AnyJob:
        """Parsed at every call."""
        return self.kind.model_validate_json(self.body)

    @property
    def cost(self) -> int:
        """Bytes of memory, roughly."""
        return len(self.body) + OVERHEAD_BYTES


class Snapshots(Generic[AnyJob]):
    """The states of all jobs of a kind. Ends are kept, because they never change; the rest is read when it is stale.

    However many ask for a job at once, it is read once. `load` may block and raises NotFound or Unavailable.
    """

    def __init__(
        self, load: Callable[[str], tuple[str, AnyJob]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._load: Callable[[str], tuple[str, AnyJob]] = load
        self._clock = clock
        self._known: OrderedDict[str, Snapshot[AnyJob]] = OrderedDict()
        self._bytes = 0
        self._loading: dict[str, asyncio.Task[Snapshot[AnyJob]]] = {}

    async def get(self, owner: str, job_id: str) -> Snapshot[AnyJob]:
        """The job as it is now. Raises NotFound also for what belongs to somebody else."""
        snapshot = self._cached(job_id) or await self._fresh(job_id)
        if snapshot.owner != owner:
            raise NotFound(f"There is nothing with the id {job_id}.")
        return snapshot

    async def wait(self, owner: str, job_id: str, wait_s: float) -> Snapshot[AnyJob]:
        """The job at its end, or as it is after `wait_s`."""
        deadline = self._clock() + wait_s
        while True:
            snapshot = await self.get(owner, job_id)
            left_s = deadline - self._clock()
            if snapshot.is_terminal or left_s <= 0:
                return snapshot
            await asyncio.sleep(min(left_s, STEP_S))

    def forget(self, job_id: str) -> None:
        """Read it anew when it is asked for next."""
        snapshot = self._known.pop(job_id, None)
        self._bytes -= snapshot.cost if snapshot else 0

    def _cached(self, job_id: str) -> Snapshot[AnyJob] | None:
        snapshot = self._known.get(job_id)
        if snapshot is None or not (snapshot.is_final or self._clock() - snapshot.taken_at < FRESH_S):
            return None
        self._known.move_to_end(job_id)
        return snapshot

    async def _fresh(self, job_id: str) -> Snapshot[AnyJob]:
        task = self._loading.get(job_id)
        if task is None:
            task = self._loading[job_id] = asyncio.create_task(self._read(job_id))
            task.add_done_callback(lambda done: self._settle(job_id, done))
        return await asyncio.shield(task)

    async def _read(self, job_id: str) -> Snapshot[AnyJob]:
        return await run_in_threadpool(self._take, job_id)

    def _take(self, job_id: str) -> Snapshot[AnyJob]:
        taken_at = self._clock()
        owner, job = self._load(job_id)
        return Snapshot.of(owner, job, taken_at)

    def _settle(self, job_id: str, done: asyncio.Task[Snapshot[AnyJob]]) -> None:
        del self._loading[job_id]
        if done.cancelled() or done.exception() is not None:
            return
        self.forget(job_id)
        self._known[job_id] = done.result()
        self._bytes += done.result().cost
        while self._bytes > CACHED_BYTES:
            _, dropped = self._known.popitem(last=False)
            self._bytes -= dropped.cost
