"""What is open, from the reconciler to whoever asks."""

from datetime import UTC, datetime, timedelta

import pytest

from saddlepoint.queue import Census, JobQueue, OpenWork
from saddlepoint.queue.census import _KEY

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
WORK = OpenWork(kind="training", status="queued", count=2, oldest=NOON - timedelta(hours=3), still=NOON)


@pytest.fixture
def queue(redis_url: str) -> JobQueue:
    opened = JobQueue.open(redis_url)
    opened._connection.delete(_KEY)
    return opened


def test_the_last_one_stands(queue: JobQueue, redis_url: str) -> None:
    assert queue.census() is None
    queue.put_census(Census(at=NOON, works=(WORK, WORK)))
    last = Census(at=NOON + timedelta(seconds=10), works=(WORK,))
    queue.put_census(last)
    assert JobQueue.open(redis_url).census() == last


def test_one_of_another_version_is_passed_over(queue: JobQueue) -> None:
    queue._connection.set(_KEY, Census(at=NOON, works=(WORK,)).model_dump_json().replace("queued", "paused"))
    assert queue.census() is None
