"""Who works at the moment and what waits: what people look at, never what decides anything."""

from dataclasses import dataclass
from datetime import datetime

from saddlepoint.queue.tasks import EVALUATE, TRAINING, VALIDATION

QUEUES = (VALIDATION, EVALUATE, TRAINING)


@dataclass(frozen=True)
class QueuedTask:
    """A task that waits or runs, and since when."""

    function: str
    """Its dotted name."""
    arguments: tuple[str, ...]
    since: datetime


@dataclass(frozen=True)
class QueueActivity:
    name: str
    waiting: int
    running: int
    oldest: QueuedTask | None
    """Of those that wait."""


@dataclass(frozen=True)
class WorkerActivity:
    """A worker process that has given a sign of life lately."""

    name: str
    queue: str
    host: str
    pid: int
    started_at: datetime
    heard_at: datetime
    task: QueuedTask | None


@dataclass(frozen=True)
class Activity:
    """All queues and all workers of one Redis at a moment."""

    queues: tuple[QueueActivity, ...]
    workers: tuple[WorkerActivity, ...]

    def workers_of(self, queue: str) -> int:
        return sum(worker.queue == queue for worker in self.workers)
