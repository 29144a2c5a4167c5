"""Reading what goes on from where RQ keeps it, in a handful of round trips however many workers there are.

RQ's own way (Worker.all, Queue.get_jobs) takes several for each worker and for each job.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import utcparse
from rq.worker_registration import get_keys

from saddlepoint.queue.activity import QUEUES, Activity, QueueActivity, QueuedTask, WorkerActivity

_LOOKED_AT = 50
"""Of the jobs that wait, to find the oldest: urgent ones stand before it."""


def read_activity(connection: redis.Redis) -> Activity:
    """What goes on now. Raises redis.RedisError."""
    waiting = _read_waiting(connection)
    working = _read_working(connection, sorted(get_keys(connection=connection)))
    executions = [execution for worker in working if (execution := worker.execution) is not None]
    wanted = [*(execution.job_id for execution in executions), *(job_id for _, first in waiting for job_id in first)]
    jobs = dict(zip(wanted, Job.fetch_many(wanted, connection, JSONSerializer), strict=True))
    present = tuple(sorted((worker.seen(jobs) for worker in working), key=lambda one: (one.queue, one.started_at)))
    queues = zip(QUEUES, waiting, strict=True)
    return Activity(tuple(_queue(name, count, first, jobs, present) for name, (count, first) in queues), present)


_Jobs = Mapping[str, Job | None]
"""By their ids; None for one that ended while we looked."""


@dataclass(frozen=True)
class _Working:
    """A worker as Redis has it, and what it executes."""

    name: str
    fields: Mapping[str, str]
    execution: Execution | None

    def seen(self, jobs: _Jobs) -> WorkerActivity:
        execution = self.execution
        return WorkerActivity(
            name=self.name,
            queue=self.fields["queues"].partition(",")[0],
            host=self.fields.get("hostname", ""),
            pid=int(self.fields.get("pid") or 0),
            started_at=utcparse(self.fields["birth"]),
            heard_at=utcparse(self.fields["last_heartbeat"]),
            task=_task(jobs[execution.job_id], execution.created_at) if execution else None,
        )


def _read_waiting(connection: redis.Redis) -> list[tuple[int, list[str]]]:
    """Of each queue: how many jobs wait, and the ids of the first of them."""
    keys = [f"{Queue.redis_queue_namespace_prefix}{name}" for name in QUEUES]
    with connection.pipeline() as pipeline:
        for key in keys:
            pipeline.llen(key)
            pipeline.lrange(key, 0, _LOOKED_AT - 1)
        found = pipeline.execute()
    return [(count, [entry.decode() for entry in first]) for count, first in zip(found[::2], found[1::2], strict=True)]


def _read_working(connection: redis.Redis, keys: Sequence[str]) -> list[_Working]:
    """The workers of these keys, but for those that ended while we looked or are about to begin."""
    with connection.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hgetall(key)
            pipeline.smembers(f"{key}:executions")
        found = pipeline.execute()
    alive = _read_executions(connection, [entry.decode() for members in found[1::2] for entry in members])
    working = []
    for key, raw, members in zip(keys, found[::2], found[1::2], strict=True):
        fields = {name.decode(): value.decode() for name, value in raw.items()}
        if all(fields.get(name) for name in ("queues", "birth", "last_heartbeat")):
            name = key.removeprefix(Worker.redis_worker_namespace_prefix)
            execution = next((alive[entry.decode()] for entry in members if entry.decode() in alive), None)
            working.append(_Working(name, fields, execution))
    return working


def _read_executions(connection: redis.Redis, entries: Sequence[str]) -> dict[str, Execution]:
    """Those that go on: a worker's list also names some whose heartbeats stopped."""
    executions = [Execution.from_composite_key(entry, connection) for entry in entries]
    with connection.pipeline(transaction=False) as pipeline:
        for execution in executions:
            pipeline.hgetall(execution.key)
        found = pipeline.execute()
    alive = {}
    for entry, execution, fields in zip(entries, executions, found, strict=True):
        if fields:
            execution.restore(fields)
            alive[entry] = execution
    return alive


def _queue(
    name: str, count: int, first: Sequence[str], jobs: _Jobs, workers: Sequence[WorkerActivity]
) -> QueueActivity:
    found = [job for job_id in first if (job := jobs[job_id]) is not None]
    waiting = [task for job in found if (task := _task(job, job.enqueued_at)) is not None]
    return QueueActivity(
        name=name,
        waiting=count,
        running=sum(worker.queue == name and worker.task is not None for worker in workers),
        oldest=min(waiting, key=lambda task: task.since, default=None),
    )


def _task(job: Job | None, since: datetime | None) -> QueuedTask | None:
    moment = _aware(since)
    if job is None or moment is None:
        return None
    return QueuedTask(str(job.func_name), tuple(map(str, job.args)), moment)


def _aware(moment: datetime | None) -> datetime | None:
    """RQ's times are UTC and do not always say so."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
