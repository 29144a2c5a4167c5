"""The lease of the one that works."""

import pytest

from saddlepoint.queue import JobQueue
from tests.processes import wait_until
from worker.lease import Lease


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def queue(redis_url: str) -> JobQueue:
    return JobQueue.open(redis_url)


def test_of_two_one_holds_it(queue: JobQueue) -> None:
    first, second = Lease(queue, "work", 600), Lease(queue, "work", 600)
    assert first.is_held()
    assert not second.is_held()
    assert first.is_held()


def test_it_is_renewed_once_an_interval_for_three(queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[float, float]] = []
    clock = Clock()

    def hold_lease(queue: JobQueue, name: str, holder: str, ttl_s: float) -> bool:
        asked.append((clock.now, ttl_s))
        return True

    monkeypatch.setattr(JobQueue, "hold_lease", hold_lease)
    lease = Lease(queue, "work", 10.0, clock)
    for clock.now in (0.0, 1.0, 9.0, 10.0, 19.0, 25.0):
        assert lease.is_held()
    assert asked == [(0.0, 30.0), (10.0, 30.0), (25.0, 30.0)]


def test_who_lost_it_is_told_at_the_next_renewal_and_asks_every_time(queue: JobQueue) -> None:
    clock = Clock()
    lease = Lease(queue, "work", 0.001, clock)
    assert lease.is_held()
    wait_until(lambda: queue.hold_lease("work", "another", 600), within_s=20, what="the end of the lease")
    assert lease.is_held()
    clock.now = 0.001
    assert [lease.is_held(), lease.is_held()] == [False, False]
