"""The queue: jobs that are not queued twice, and hints that may be lost."""

import json
import resource
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import redis
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from saddlepoint.errors import Unavailable
from saddlepoint.queue import (
    CHUNK,
    DESCRIBE,
    EVALUATE,
    FINISH,
    SHARD,
    TRAIN,
    VALIDATE,
    JobQueue,
    LiveProgress,
    Task,
    connect,
    is_away,
    subject_of,
)
from tests.processes import limit_files, wait_until
from tests.valkey import spoilable_valkey

GOOD = Task("tests.test_queue.succeed", "tests")
BAD = Task("tests.test_queue.fail", "tests")


def succeed(text: str) -> None:
    del text


def fail(text: str) -> None:
    raise ValueError(text)


@pytest.fixture
def connection(redis_url: str) -> redis.Redis:
    return connect(redis_url)


@pytest.fixture
def queue(connection: redis.Redis) -> JobQueue:
    return JobQueue(connection)


def waiting(connection: redis.Redis, name: str) -> list[str]:
    return Queue(name, connection=connection, serializer=JSONSerializer).get_job_ids()


def work(connection: redis.Redis) -> None:
    queue = Queue("tests", connection=connection, serializer=JSONSerializer)
    SimpleWorker([queue], connection=connection, serializer=JSONSerializer).work(burst=True, logging_level="CRITICAL")


def test_a_job_is_its_task_and_arguments() -> None:
    assert SHARD.job_id("a", "1") == SHARD.job_id("a", "1")
    assert len({SHARD.job_id("a", "1"), SHARD.job_id("a", "2"), SHARD.job_id("a1"), GOOD.job_id("a", "1")}) == 4


def test_payloads_are_json(queue: JobQueue, connection: redis.Redis) -> None:
    queue.enqueue(SHARD, "evaluation", "7", timeout_s=90)
    stored = connection.hget(Job.key_for(SHARD.job_id("evaluation", "7")), "data")
    assert isinstance(stored, bytes)
    assert json.loads(zlib.decompress(stored)) == ["worker.tasks.play_shard", None, ["evaluation", "7"], {}]


def test_a_waiting_job_is_not_queued_again(queue: JobQueue, connection: redis.Redis) -> None:
    for _ in range(3):
        queue.enqueue(SHARD, "evaluation", "7", timeout_s=90)
    assert waiting(connection, EVALUATE) == [SHARD.job_id("evaluation", "7")]
    assert queue.is_active(SHARD, "evaluation", "7")
    assert not queue.is_active(SHARD, "evaluation", "8")


def test_what_is_urgent_goes_first(queue: JobQueue, connection: redis.Redis) -> None:
    queue.enqueue(GOOD, "x", timeout_s=90)
    queue.enqueue(GOOD, "y", timeout_s=90, first=True)
    assert waiting(connection, "tests") == [GOOD.job_id("y"), GOOD.job_id("x")]


def test_a_job_that_was_taken_is_not_queued_again(queue: JobQueue, connection: redis.Redis) -> None:
    queue.enqueue(GOOD, "x", timeout_s=90)
    Queue.dequeue_any([Queue("tests", connection=connection)], None, connection, serializer=JSONSerializer)
    queue.enqueue(GOOD, "x", timeout_s=90)
    assert waiting(connection, "tests") == []
    assert queue.is_active(GOOD, "x")


@pytest.mark.parametrize(("silent_s", "active"), [(-30, True), (5, True), (60, False)])
def test_a_running_job_is_active_until_its_worker_was_silent_for_long(
    queue: JobQueue, connection: redis.Redis, silent_s: float, active: bool
) -> None:
    queue.enqueue(GOOD, "x", timeout_s=90)
    connection.lpop("rq:queue:tests")
    connection.zadd("rq:wip:tests", {f"{GOOD.job_id('x')}:execution": time.time() - silent_s})
    assert queue.is_active(GOOD, "x") == active
    queue.enqueue(GOOD, "x", timeout_s=90)
    assert waiting(connection, "tests") == ([] if active else [GOOD.job_id("x")])


@pytest.mark.parametrize("task", [GOOD, BAD])
def test_a_job_that_ended_is_queued_again(
    queue: JobQueue, connection: redis.Redis, task: Task, caplog: pytest.LogCaptureFixture
) -> None:
    del caplog
    for _ in range(2):
        queue.enqueue(task, "x", timeout_s=90)
        assert waiting(connection, "tests") == [task.job_id("x")]
        work(connection)
        assert not queue.is_active(task, "x")


def test_an_ended_job_leaves_nothing_for_long(queue: JobQueue, connection: redis.Redis) -> None:
    for task in (GOOD, BAD):
        queue.enqueue(task, "x", timeout_s=90)
    work(connection)
    left = [key for key in connection.keys("*") if b"-" in key]
    assert {connection.ttl(key) > 0 for key in left} == {True}


def test_many_who_find_a_dead_job_queue_it_once(queue: JobQueue, connection: redis.Redis) -> None:
    queue.enqueue(GOOD, "x", timeout_s=90)
    connection.delete("rq:queue:tests")
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: queue.enqueue(GOOD, "x", timeout_s=90), range(64)))
    assert waiting(connection, "tests") == [GOOD.job_id("x")]


def test_a_job_is_lost_and_queued_again_with_all_of_redis(queue: JobQueue, connection: redis.Redis) -> None:
    queue.enqueue(GOOD, "x", timeout_s=90)
    connection.flushall()
    assert not queue.is_active(GOOD, "x")
    queue.enqueue(GOOD, "x", timeout_s=90)
    assert waiting(connection, "tests") == [GOOD.job_id("x")]


@pytest.mark.parametrize(("silent_s", "recovered"), [(-30, False), (1, True)])
def test_the_job_of_a_silent_worker_is_queued_again(
    queue: JobQueue, connection: redis.Redis, silent_s: float, recovered: bool
) -> None:
    queue.enqueue(GOOD, "x", timeout_s=90)
    connection.lpop("rq:queue:tests")
    connection.hset(Job.key_for(GOOD.job_id("x")), "status", "started")
    connection.zadd("rq:wip:tests", {f"{GOOD.job_id('x')}:execution": time.time() - silent_s})
    for _ in range(2):
        queue.recover_abandoned("tests")
    assert waiting(connection, "tests") == ([GOOD.job_id("x")] if recovered else [])


def test_nothing_is_known_of_what_has_not_begun(queue: JobQueue) -> None:
    assert queue.progress("unknown") == LiveProgress("queued", 0, 0)


def test_progress_counts_each_episode_once_and_adds_the_steps_of_shards(queue: JobQueue) -> None:
    queue.record_episodes("e", [(0, 1, 2), (0, 1, 3)])
    queue.record_episodes("e", [(0, 1, 3), (1, 1, 3)])
    queue.record_episodes("e", [])
    for shard, steps in [(0, 10), (1, 5), (0, 30)]:
        queue.record_steps("e", shard, steps)
    assert queue.progress("e") == LiveProgress("queued", 3, 35)


def test_a_late_starter_does_not_take_processing_back(queue: JobQueue) -> None:
    phases = []
    for phase in ("starting", "processing", "starting"):
        queue.set_phase("e", phase)
        phases.append(queue.progress("e").phase)
    assert phases == ["starting", "processing", "processing"]


def test_every_hint_expires(queue: JobQueue, connection: redis.Redis) -> None:
    queue.set_phase("e", "starting")
    queue.record_episodes("e", [(0, 1, 2)])
    queue.record_steps("f", 0, 1)
    assert [key for key in connection.keys("saddlepoint:*") if connection.ttl(key) < 0] == []
    queue.forget("e")
    queue.forget("f")
    assert connection.keys("saddlepoint:*") == []


def test_a_lease_has_one_holder_until_it_runs_out(queue: JobQueue, connection: redis.Redis) -> None:
    assert queue.hold_lease("l", "a", 600)
    assert not queue.hold_lease("l", "b", 600)
    assert queue.hold_lease("l", "a", 1200)
    (key,) = connection.keys("*lease*")
    assert 600_000 < connection.pttl(key) <= 1_200_000
    connection.pexpire(key, 0)
    assert queue.hold_lease("l", "b", 600)


def test_redis_being_away_is_unavailable(tmp_path: Path) -> None:
    queue = JobQueue.open(f"unix://{tmp_path}/nobody")
    for action in (
        queue.ping,
        lambda: queue.enqueue(GOOD, "x", timeout_s=1),
        lambda: queue.active("tests"),
        lambda: queue.progress("e"),
        lambda: queue.set_phase("e", "starting"),
        lambda: queue.record_steps("e", 0, 1),
        lambda: queue.hold_lease("l", "a", 1),
        lambda: queue.forget("e"),
    ):
        with pytest.raises(Unavailable):
            action()


@pytest.fixture
def own_valkey() -> Iterator[tuple[str, psutil.Process]]:
    with spoilable_valkey() as server:
        yield server


def everything(queue: JobQueue) -> list[Callable[[], object]]:
    """What the service, a worker and the reconciler ask of Redis that writes."""
    return [
        lambda: queue.enqueue(SHARD, "evaluation", "7", timeout_s=90),
        lambda: queue.set_phase("evaluation", "starting"),
        lambda: queue.record_episodes("evaluation", [(0, 1, 2)]),
        lambda: queue.hold_lease("reconciler", "somebody", 10.0),
    ]


def test_a_redis_whose_disk_is_full_is_unavailable_until_it_is_not(own_valkey: tuple[str, psutil.Process]) -> None:
    url, server = own_valkey
    queue = JobQueue.open(url)
    limit_files(server, 0)
    wait_until(lambda: not is_writable(queue), within_s=20, what="the refusal")
    for ask in everything(queue):
        with pytest.raises(Unavailable):
            ask()
    limit_files(server, resource.RLIM_INFINITY)
    wait_until(lambda: is_writable(queue), within_s=20, what="the recovery")
    for ask in everything(queue):
        ask()


def is_writable(queue: JobQueue) -> bool:
    try:
        queue.set_phase("evaluation", "processing")
    except Unavailable:
        return False
    return True


def test_a_redis_that_is_full_is_unavailable(own_valkey: tuple[str, psutil.Process]) -> None:
    queue = JobQueue.open(own_valkey[0])
    with redis.Redis.from_url(own_valkey[0]) as client:
        client.config_set("maxmemory", 1)
    for ask in everything(queue):
        with pytest.raises(Unavailable):
            ask()


def test_an_error_of_ours_is_not_taken_for_an_absence() -> None:
    assert not is_away(redis.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"))


@pytest.mark.parametrize(
    ("task", "arguments", "about", "rest"),
    [
        (SHARD, ("e", "3"), {"kind": "evaluation", "id": "e"}, ("3",)),
        (FINISH, ("e",), {"kind": "evaluation", "id": "e"}, ()),
        (CHUNK, ("landscape", "l", "7"), {"kind": "landscape", "id": "l"}, ("7",)),
        (TRAIN, ("t",), {"kind": "training", "id": "t"}, ()),
        (VALIDATE, ("u",), {"kind": "upload", "id": "u"}, ()),
        (DESCRIBE, ("{}",), {}, ("{}",)),
    ],
)
def test_a_job_is_about_what_its_arguments_name(
    task: Task, arguments: tuple[str, ...], about: dict[str, str], rest: tuple[str, ...]
) -> None:
    assert subject_of(task.function, arguments) == (about, rest)
