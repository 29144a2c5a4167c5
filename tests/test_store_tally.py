"""What workers ask of the store: told now and then, and all of it when a job ends."""

from pathlib import Path

import pytest

from saddlepoint.queue import Count, JobQueue, Observed
from saddlepoint.store_tally import StoreTally, tallied_store
from tests.valkey import running_valkey


class Slow(JobQueue):
    """Remembers what it is told; each time takes `takes_s` of a clock that moves in no other way but by hand."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.now, self.takes_s = 0.0, 0.0

    def tally(self, *counts: Count) -> None:
        self.told.append(len(counts))
        self.now += self.takes_s

    def clock(self) -> float:
        return self.now


def test_operations_are_told_together_once_a_second() -> None:
    queue = Slow()
    tally = StoreTally(queue, queue.clock)
    for queue.now in (0.0, 0.4, 0.9, 1.0, 1.1, 1.9, 2.0):
        tally("get", "done", 0.002)
    assert queue.told == [4, 3]
    tally.tell()
    assert queue.told == [4, 3]


def test_a_slow_redis_is_told_more_seldom() -> None:
    queue = Slow()
    queue.takes_s = 3.0
    tally = StoreTally(queue, queue.clock)
    queue.now = 1.0
    tally("get", "done", 0.002)
    for queue.now in (10.0, 33.9, 34.0):
        tally("get", "done", 0.002)
    assert queue.told == [1, 3]


def test_what_a_job_asked_is_counted_when_it_ends(redis_url: str, tmp_path: Path) -> None:
    queue = JobQueue.open(redis_url)
    before = counted(queue)
    with tallied_store(str(tmp_path), queue) as store:
        for number in range(5):
            store.put(str(number), b"")
        assert counted(queue) == before
    assert counted(queue) == before + 5


def test_who_is_interrupted_is_not_held_up(tmp_path: Path) -> None:
    def work() -> None:
        with tallied_store(str(tmp_path), queue) as store:
            store.exists("a")
            raise KeyboardInterrupt

    queue = Slow()
    with pytest.raises(KeyboardInterrupt):
        work()
    assert queue.told == []


def test_without_redis_the_store_is_there_all_the_same(tmp_path: Path) -> None:
    with running_valkey() as url:
        queue = JobQueue.open(url, answer_s=0.2)
    with tallied_store(str(tmp_path), queue) as store:
        assert store.put("a", b"one")
    assert store.get("a") == b"one"


def counted(queue: JobQueue) -> int:
    """How many puts were observed."""
    return queue.totals()["worker_store_seconds"].get(("put", "done"), Observed(below=[0])).below[-1]
