"""Who works at the moment and what waits: what people look at, never what decides anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
from rq import Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker.base import BaseWorker

from saddlepoint.queue.robust_queue import RobustQueue
from saddlepoint.queue.tasks import EVALUATE, TRAINING, VALIDATION

QUEUES = (VALIDATION, EVALUATE, TRAINING)
_LOOKED_AT = 50
"""Of the jobs that wait, to find the oldest: urgent ones stand before it."""


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


def read_activity(connection: redis.Redis) -> Activity:
    """What goes on now. Raises redis.RedisError."""
    workers = [_worker(connection, worker) for worker in Worker.all(connection, serializer=JSONSerializer)]
    present = tuple(sorted((one for one in workers if one is not None), key=lambda one: (one.queue, one.started_at)))
    return Activity(tuple(_queue(connection, name, present) for name in QUEUES), present)


def _queue(connection: redis.Redis, name: str, workers: Sequence[WorkerActivity]) -> QueueActivity:
    queue = RobustQueue(name, connection=connection, serializer=JSONSerializer)
    waiting = [task for job in queue.get_jobs(0, _LOOKED_AT) if (task := _task(job, job.enqueued_at)) is not None]
    return QueueActivity(
        name=name,
        waiting=queue.count,
        running=sum(worker.queue == name and worker.task is not None for worker in workers),
        oldest=min(waiting, key=lambda task: task.since, default=None),
    )


def _worker(connection: redis.Redis, worker: BaseWorker) -> WorkerActivity | None:
    """None for one that ended while we looked."""
    started_at, heard_at = _aware(worker.birth_date), _aware(worker.last_heartbeat)
    if started_at is None or heard_at is None or not worker.queues:
        return None
    executions = worker.get_current_executions()
    task = None
    if executions:
        (job,) = Job.fetch_many([executions[0].job_id], connection, JSONSerializer)
        task = _task(job, executions[0].created_at)
    return WorkerActivity(
        name=worker.name,
        queue=worker.queues[0].name,
        host=worker.hostname or "",
        pid=worker.pid or 0,
        started_at=started_at,
        heard_at=heard_at,
        task=task,
    )


def _task(job: Job | None, since: datetime | None) -> QueuedTask | None:
    moment = _aware(since)
    if job is None or moment is None:
        return None
    return QueuedTask(str(job.func_name), tuple(map(str, job.args)), moment)


def _aware(moment: datetime | None) -> datetime | None:
    """RQ's times are UTC and do not always say so."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
