"""A worker whose parts are killed one by one."""

import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import redis
from rq import Queue
from rq.serializers import JSONSerializer

from saddlepoint.queue import JobQueue, Task, connect
from saddlepoint.submission import submit_evaluation
from saddlepoint.work import EVALUATION, find_terminal
from tests.processes import family, is_running, kill, limit_files, running, wait_until
from tests.valkey import spoilable_valkey, url_of, valkey_in
from tests.worker.world import make_context, make_record, plan_of, put_policy

JOB = Task("tests.faults.jobs.work_until_told", "tests")
HANG = Task("tests.faults.jobs.hang_in_native_code", "tests")


def worker(redis_url: str, heartbeat_s: int = 1, **environment: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return running(
        "-m",
        "tests.faults.worker_process",
        "tests",
        str(heartbeat_s),
        SADDLEPOINT_REDIS_URL=redis_url,
        **environment,
    )


@pytest.fixture
def queue(redis_url: str) -> JobQueue:
    return JobQueue.open(redis_url)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sp-"))
    yield folder
    shutil.rmtree(folder)


def horses(folder: Path, ending: str = "started") -> set[int]:
    """The processes that began (or ended) the job."""
    return {int(path.stem) for path in folder.glob(f"*.{ending}")}


def start_job(queue: JobQueue, folder: Path) -> int:
    """Queue the job; the process that runs it."""
    queue.enqueue(JOB, str(folder), timeout_s=300)
    wait_until(lambda: horses(folder), within_s=60, what="the start of the job")
    return horses(folder).pop()


def test_a_killed_horse_is_replaced_at_once(queue: JobQueue, redis_url: str, tmp_path: Path) -> None:
    with worker(redis_url, heartbeat_s=60):  # of which several would have to be missed
        first = start_job(queue, tmp_path)
        kill(first)
        wait_until(lambda: horses(tmp_path) - {first}, within_s=60, what="a second start")
        (tmp_path / "end").touch()
        wait_until(lambda: not queue.is_active(JOB, str(tmp_path)), within_s=60, what="the end of the job")
    assert horses(tmp_path, "done") == horses(tmp_path) - {first}


def test_a_killed_parent_takes_its_horse_along_and_another_worker_takes_the_job(
    queue: JobQueue, redis_url: str, tmp_path: Path
) -> None:
    with worker(redis_url) as process:
        first = start_job(queue, tmp_path)
        assert first in family(process.pid)
        kill(process.pid)
        wait_until(lambda: not is_running(first), within_s=10, what="the death of the orphan")
    with worker(redis_url):
        wait_until(lambda: horses(tmp_path) - {first}, within_s=60, what="a second start")
        (tmp_path / "end").touch()
        wait_until(lambda: horses(tmp_path, "done"), within_s=60, what="the end of the job")
    assert len(horses(tmp_path)) == 2


def test_a_policy_that_hangs_in_native_code_is_ended_three_times_and_then_given_up(
    queue: JobQueue, redis_url: str, tmp_path: Path
) -> None:
    context = make_context(tmp_path / "store", redis_url)
    put_policy(context)
    record = make_record()
    submit_evaluation(context.store, queue, record, plan_of(record))
    queue.enqueue(HANG, record.id, "0", timeout_s=300)
    with worker(redis_url, SADDLEPOINT_STORE_URL=str(tmp_path / "store")):
        wait_until(lambda: find_terminal(context.store, EVALUATION, record.id), within_s=60, what="giving up")
        (tmp_path / "end").touch()
        queue.enqueue(JOB, str(tmp_path), timeout_s=300)
        wait_until(lambda: horses(tmp_path, "done"), within_s=10, what="the end of the next job")
    ended = find_terminal(context.store, EVALUATION, record.id)
    assert ended
    assert ended.error
    assert "started 3 times" in ended.error.detail


@pytest.mark.slow
def test_a_job_that_was_taken_and_never_started_runs(queue: JobQueue, redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "end").touch()
    connection = connect(redis_url)
    queue.enqueue(JOB, str(tmp_path), timeout_s=300)
    taken = Queue.dequeue_any([Queue("tests", connection=connection)], None, connection, serializer=JSONSerializer)
    assert taken
    with worker(redis_url):
        wait_until(lambda: horses(tmp_path, "done"), within_s=90, what="the end of the job")


def test_a_request_to_stop_interrupts_the_job_and_gives_it_back(
    queue: JobQueue, redis_url: str, tmp_path: Path
) -> None:
    with worker(redis_url) as process:
        first = start_job(queue, tmp_path)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert not is_running(first)
    assert queue.is_active(JOB, str(tmp_path))
    assert horses(tmp_path, "done") == set()
    with worker(redis_url):
        (tmp_path / "end").touch()
        wait_until(lambda: horses(tmp_path, "done"), within_s=60, what="the end of the job")


def states(client: redis.Redis) -> list[bytes | str | None]:
    """Of all workers; one that is idle minds its signals, one that has just been born does not yet."""
    return [client.hget(key, "state") for key in client.keys("rq:worker:*")]


def test_an_idle_worker_stops_on_request(redis_url: str) -> None:
    with worker(redis_url) as process:
        client = redis.Redis.from_url(redis_url)
        wait_until(lambda: states(client) == [b"idle"], within_s=60, what="the start of the worker")
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def test_a_job_survives_a_restart_of_redis(short_folder: Path, tmp_path: Path) -> None:
    url = url_of(short_folder)
    queue = JobQueue.open(url)
    server = valkey_in(short_folder)
    server.start()
    with worker(url):
        first = start_job(queue, tmp_path)
        server.terminate()
        time.sleep(3)
        with valkey_in(short_folder):
            time.sleep(2)
            (tmp_path / "end").touch()
            wait_until(lambda: not queue.is_active(JOB, str(tmp_path)), within_s=60, what="the end of the job")
    assert horses(tmp_path, "done") == {first}


def test_a_job_survives_a_full_disk_of_redis(tmp_path: Path) -> None:
    with spoilable_valkey() as (url, server), worker(url):
        queue = JobQueue.open(url)
        first = start_job(queue, tmp_path)
        limit_files(server, 0)
        time.sleep(4)
        limit_files(server, resource.RLIM_INFINITY)
        time.sleep(2)
        (tmp_path / "end").touch()
        wait_until(lambda: not queue.is_active(JOB, str(tmp_path)), within_s=60, what="the end of the job")
        assert horses(tmp_path, "done") == {first}


def test_a_worker_waits_for_redis(short_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "end").touch()
    with worker(url_of(short_folder)):
        time.sleep(2)
        with valkey_in(short_folder):
            JobQueue.open(url_of(short_folder)).enqueue(JOB, str(tmp_path), timeout_s=300)
            wait_until(lambda: horses(tmp_path, "done"), within_s=60, what="the end of the job")
