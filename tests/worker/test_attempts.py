"""When to give up on a shard."""

from datetime import UTC, datetime, timedelta

import pytest

from saddlepoint.errors import ArtifactCorrupt, ArtifactNotFound, JobFailed, StoreError, Unavailable
from saddlepoint.rq_worker import Interrupted
from saddlepoint.schemas import keys
from worker.attempts import Attempt, attempting, is_hopeless
from worker.context import Context

START = datetime(2025, 1, 1, tzinfo=UTC)
STALL_S = 100.0


def attempts(*begun: tuple[float, int]) -> list[Attempt]:
    """Attempts by second and by episodes finished then."""
    return [Attempt(started_at=START + timedelta(seconds=second), finished=count) for second, count in begun]


@pytest.mark.parametrize(
    ("begun", "finished", "hopeless"),
    [
        ([], 0, False),
        ([(0, 0), (1, 0), (2, 0), (3, 0)], 0, False),
        ([(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)], 0, True),
        ([(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)], 1, False),
        ([(0, 0), (1, 1), (2, 1), (3, 1), (4, 1)], 1, False),
        ([(0, 0), (150, 0)], 0, False),
        ([(0, 0), (150, 0), (300, 0)], 0, True),
        ([(0, 0), (150, 0), (300, 1)], 1, False),
        ([(0, 0), (10, 0), (20, 0)], 0, False),
    ],
)
def test_five_idle_attempts_or_three_hangs_are_enough(
    begun: list[tuple[float, int]], finished: int, hopeless: bool
) -> None:
    last = begun[-1][0] if begun else 0
    now = START + timedelta(seconds=last + (150 if last >= 150 else 1))
    assert is_hopeless(attempts(*begun), finished, now, STALL_S) == hopeless


def attempt(context: Context, finished: int) -> None:
    with attempting(context.store, "e", 3, finished=finished, stall_s=STALL_S):
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
        with pytest.raises(type(error)), attempting(context.store, "e", 3, finished=0, stall_s=STALL_S):
            raise error
    assert list(context.store.list(keys.evaluation_attempts("e", 3))) == []


@pytest.mark.parametrize("error", [ArtifactCorrupt("Damaged."), ArtifactNotFound("Gone.")])
def test_what_no_repetition_mends_counts(context: Context, error: StoreError) -> None:
    with pytest.raises(type(error)), attempting(context.store, "e", 3, finished=0, stall_s=STALL_S):
        raise error
    assert len(list(context.store.list(keys.evaluation_attempts("e", 3)))) == 1


def test_a_store_that_fails_again_while_an_attempt_is_withdrawn_hides_nothing(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(key: str) -> None:
        raise StoreError("Read-only.")

    monkeypatch.setattr(context.store, "delete", fail)
    with pytest.raises(StoreError, match="full"), attempting(context.store, "e", 3, finished=0, stall_s=STALL_S):
        raise StoreError("The disk is full.")
