"""When to give up on a shard."""

from datetime import UTC, datetime

import pytest

from saddlepoint.errors import ArtifactCorrupt, ArtifactNotFound, JobFailed, StoreError, Unavailable
from saddlepoint.rq_worker import Interrupted
from saddlepoint.schemas import keys
from saddlepoint.schemas.examinations import Examination
from saddlepoint.schemas.plans import PlanSummary
from saddlepoint.store import put_record
from worker.attempts import Attempt, Past, attempting, is_hopeless
from worker.context import Context
from worker.hangs import mark_hung


@pytest.mark.parametrize(
    ("attempts", "finished", "hopeless"),
    [
        ([], 0, False),
        ([Past(0, False)] * 4, 0, False),
        ([Past(0, False)] * 5, 0, True),
        ([Past(0, False)] * 5, 1, False),
        ([Past(0, False), *[Past(1, False)] * 4], 1, False),
        ([Past(0, True)] * 2, 0, False),
        ([Past(0, True)] * 3, 0, True),
        ([Past(0, True)] * 3, 1, False),
        ([Past(0, True), Past(0, False), Past(0, True)], 0, False),
    ],
)
def test_five_idle_attempts_or_three_hangs_are_enough(attempts: list[Past], finished: int, hopeless: bool) -> None:
    assert is_hopeless(attempts, finished) == hopeless


def attempt(context: Context, finished: int) -> None:
    with attempting(context.store, "e", 3, finished=finished):
        raise ZeroDivisionError


def test_attempts_are_counted_in_the_store_and_end(context: Context) -> None:
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            attempt(context, 2)
    with pytest.raises(JobFailed, match="started 5 times"):
        attempt(context, 2)
    with pytest.raises(ZeroDivisionError):
        attempt(context, 3)
    assert len(list(context.store.list(keys.evaluation_attempts("e", 3)))) == 6


@pytest.mark.parametrize("error", [Interrupted(), StoreError("The disk is full."), Unavailable("Redis is away.")])
def test_what_is_no_fault_of_the_shard_does_not_count(context: Context, error: BaseException) -> None:
    for _ in range(6):
        with pytest.raises(type(error)), attempting(context.store, "e", 3, finished=0):
            raise error
    assert list(context.store.list(keys.evaluation_attempts("e", 3))) == []


@pytest.mark.parametrize("error", [ArtifactCorrupt("Damaged."), ArtifactNotFound("Gone.")])
def test_what_no_repetition_mends_counts(context: Context, error: StoreError) -> None:
    with pytest.raises(type(error)), attempting(context.store, "e", 3, finished=0):
        raise error
    assert len(list(context.store.list(keys.evaluation_attempts("e", 3)))) == 1


def test_a_store_that_fails_again_while_an_attempt_is_withdrawn_hides_nothing(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(key: str) -> None:
        raise StoreError("Read-only.")

    monkeypatch.setattr(context.store, "delete", fail)
    with pytest.raises(StoreError, match="full"), attempting(context.store, "e", 3, finished=0):
        raise StoreError("The disk is full.")


def test_time_that_passed_while_nothing_ran_is_no_hang(context: Context) -> None:
    for day in (1, 2, 3):
        begun = Attempt(started_at=datetime(2025, 1, day, tzinfo=UTC), finished=2)
        put_record(context.store, keys.evaluation_attempt("e", 3, day), begun)
    with attempting(context.store, "e", 3, finished=2):
        pass


@pytest.mark.parametrize("job", [("e", "3"), ("e",)])
def test_a_marked_attempt_is_a_hang(context: Context, job: tuple[str, ...]) -> None:
    put_record(context.store, keys.evaluation_plan_summary("e"), PlanSummary(episodes=9, shards=3))
    put_record(context.store, keys.evaluation_examination("e"), Examination())
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            attempt(context, 2)
        mark_hung(context.store, *job)
    with pytest.raises(JobFailed, match="started 3 times"):
        attempt(context, 2)


def test_a_hang_before_the_examination_is_there_is_the_examinations(context: Context) -> None:
    put_record(context.store, keys.evaluation_plan_summary("e"), PlanSummary(episodes=9, shards=2))
    with pytest.raises(ZeroDivisionError):
        attempt(context, 2)
    mark_hung(context.store, "e")
    assert context.store.exists(keys.evaluation_hang("e", 3, 0))


def test_a_hang_without_an_attempt_is_not_marked(context: Context) -> None:
    mark_hung(context.store, "e", "3")
    assert list(context.store.list("evaluations/")) == []
