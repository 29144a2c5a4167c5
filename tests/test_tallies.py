"""What workers count: sums that grow, from any number of processes."""

import pytest
from redis.client import Pipeline

from saddlepoint.queue import TALLIES, Count, JobQueue, Observed
from saddlepoint.queue.tallies import _KEY
from tests.valkey import running_valkey

JOB = ("evaluate", "play_shard", "done")


@pytest.fixture
def queue(redis_url: str) -> JobQueue:
    opened = JobQueue.open(redis_url)
    opened._connection.delete(_KEY)
    return opened


def test_counts_of_all_connections_are_summed(queue: JobQueue, redis_url: str) -> None:
    queue.tally(Count("episodes", amount=3), Count("verdicts", ("accepted",)))
    JobQueue.open(redis_url).tally(Count("episodes"), Count("verdicts", ("unsafe-pickle",)))
    found = queue.totals()
    assert found["episodes"] == {(): Observed(4.0, [0])}
    assert {labels: total.sum for labels, total in found["verdicts"].items()} == {
        ("accepted",): 1.0,
        ("unsafe-pickle",): 1.0,
    }


def test_a_histogram_says_how_many_lie_at_or_below_each_bound(queue: JobQueue) -> None:
    for seconds in (0.1, 0.2, 61.0, 99999.0):
        queue.tally(Count("job_seconds", JOB, seconds))
    assert TALLIES["job_seconds"].buckets == (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
    observed = queue.totals()["job_seconds"][JOB]
    assert observed.below == [1, 2, 2, 2, 2, 2, 3, 3, 3, 4]
    assert observed.sum == pytest.approx(100060.3)


def test_counts_that_come_together_are_one_sum_each(queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    sums = []
    add = Pipeline.hincrbyfloat

    def noted(self: Pipeline, name: str, key: str, amount: float) -> object:
        sums.append((key, amount))
        return add(self, name, key, amount)

    monkeypatch.setattr(Pipeline, "hincrbyfloat", noted)
    queue.tally(*(Count("job_seconds", JOB, seconds) for seconds in (0.25, 0.25, 2.0, 0.25)))
    assert sorted(amount for _, amount in sums) == [1, 2.75, 3]
    assert queue.totals()["job_seconds"][JOB].below[-1] == 4


def test_what_another_version_counts_is_passed_over(queue: JobQueue) -> None:
    queue._connection.hset(_KEY, '["of_tomorrow","","x"]', "1")
    queue._connection.hset(_KEY, '["verdicts","","too","many"]', "1")
    assert queue.totals() == {name: {} for name in TALLIES}


def test_without_redis_nothing_is_counted_and_nobody_is_held_up() -> None:
    with running_valkey() as url:
        queue = JobQueue.open(url, answer_s=0.2)
    queue.tally(Count("episodes"))
