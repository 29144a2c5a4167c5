"""Who works and what waits, as Redis knows it."""

import os
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from rq.job import Job
from rq.serializers import JSONSerializer

from saddlepoint.errors import Unavailable
from saddlepoint.queue import EVALUATE, FINISH, SHARD, TRAINING, VALIDATION, JobQueue, RobustQueue, Task, connect
from saddlepoint.rq_worker import RobustWorker


@pytest.fixture
def connection(redis_url: str) -> redis.Redis:
    return connect(redis_url)


@pytest.fixture
def queue(connection: redis.Redis) -> JobQueue:
    return JobQueue(connection)


def worker(connection: redis.Redis, name: str) -> RobustWorker:
    """One that has started and waits."""
    queue = RobustQueue(name, connection=connection, serializer=JSONSerializer)
    made = RobustWorker([queue], connection=connection, serializer=JSONSerializer)
    made.register_birth()  # type: ignore[no-untyped-call]
    return made


def take(connection: redis.Redis, worker: RobustWorker, task: Task, *arguments: str) -> None:
    """What a worker does before it starts a job."""
    job = Job.fetch(task.job_id(*arguments), connection, JSONSerializer)
    connection.lrem(f"rq:queue:{task.queue}", 1, job.id)
    worker.prepare_execution(job)


def test_without_anybody_all_queues_are_empty(queue: JobQueue) -> None:
    activity = queue.activity()
    assert [(one.name, one.waiting, one.running, one.oldest) for one in activity.queues] == [
        (VALIDATION, 0, 0, None),
        (EVALUATE, 0, 0, None),
        (TRAINING, 0, 0, None),
    ]
    assert activity.workers == ()


def test_a_worker_that_waits_is_there(queue: JobQueue, connection: redis.Redis) -> None:
    worker(connection, EVALUATE)
    (found,) = queue.activity().workers
    assert (found.queue, found.host, found.pid, found.task) == (EVALUATE, socket.gethostname(), os.getpid(), None)
    assert datetime.now(UTC) - found.started_at < timedelta(minutes=1)


def test_a_worker_is_seen_with_what_it_does_and_the_oldest_that_waits_with_its_age(
    queue: JobQueue, connection: redis.Redis
) -> None:
    for shard in ("0", "1", "2"):
        queue.enqueue(SHARD, "evaluation", shard, timeout_s=90)
    queue.enqueue(FINISH, "other", timeout_s=90, first=True)
    take(connection, worker(connection, EVALUATE), SHARD, "evaluation", "0")
    activity = queue.activity()
    (busy,) = activity.workers
    assert busy.task is not None
    assert (busy.task.function, busy.task.arguments) == (SHARD.function, ("evaluation", "0"))
    evaluations = activity.queues[1]
    assert (evaluations.waiting, evaluations.running) == (3, 1)
    assert evaluations.oldest is not None
    assert evaluations.oldest.arguments == ("evaluation", "1")
    assert evaluations.oldest.since <= busy.task.since
    assert (activity.workers_of(EVALUATE), activity.workers_of(TRAINING)) == (1, 0)


def test_a_worker_that_ended_is_gone(queue: JobQueue, connection: redis.Redis) -> None:
    worker(connection, TRAINING).register_death()  # type: ignore[no-untyped-call]
    assert queue.activity().workers == ()


def test_without_redis_nothing_is_known() -> None:
    with pytest.raises(Unavailable):
        JobQueue.open("redis://127.0.0.1:1/0", answer_s=0.1).activity()


def test_a_list_of_executions_that_names_a_dead_one_does_not_hide_the_living(
    queue: JobQueue, connection: redis.Redis
) -> None:
    one = worker(connection, EVALUATE)
    queue.enqueue(SHARD, "evaluation", "0", timeout_s=90)
    take(connection, one, SHARD, "evaluation", "0")
    connection.sadd(one.executions_key, *(f"{letter}:gone" for letter in "aAzZ09"))
    (found,) = queue.activity().workers
    assert found.task is not None
    assert found.task.arguments == ("evaluation", "0")


@pytest.mark.parametrize("workers", [1, 12])
def test_it_takes_as_many_round_trips_for_many_workers_as_for_one(
    workers: int, queue: JobQueue, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(workers):
        queue.enqueue(SHARD, "evaluation", str(number), timeout_s=90)
        queue.enqueue(SHARD, "waiting", str(number), timeout_s=90)
        take(connection, worker(connection, EVALUATE), SHARD, "evaluation", str(number))
    trips = []
    send = redis.Connection.send_packed_command

    def counted(self: redis.Connection, command: Any, check_health: bool = True) -> None:
        trips.append(command)
        send(self, command, check_health)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(redis.connection.AbstractConnection, "send_packed_command", counted)
    activity = queue.activity()
    assert sum(one.task is not None for one in activity.workers) == workers
    assert len(trips) == 5
