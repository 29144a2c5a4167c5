"""What the reconciler tells of what is open: how much, for how long, and since when nothing has moved."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from saddlepoint.endings import end
from saddlepoint.queue import JobQueue, OpenWork
from saddlepoint.schemas import keys
from saddlepoint.schemas.trainings import TrainingRecord, TrainingSpec
from saddlepoint.store import Store
from saddlepoint.store.local import LocalStore
from saddlepoint.submission import submit_evaluation, submit_training
from saddlepoint.work import EVALUATION
from tests.worker.world import ENV, NOW, make_context, make_record, plan_of
from worker.context import Context
from worker.reconciling import Reconciler
from worker.reconciling.census import OpenCensus


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: after(0))

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def census(context: Context, clock: Clock) -> OpenCensus:
    return OpenCensus(context, clock)


def submit(context: Context, evaluation_id: str, minutes: float = 0) -> None:
    record = make_record(evaluation_id).model_copy(update={"created_at": after(minutes)})
    submit_evaluation(context.store, context.queue, record, plan_of(record))


def told(queue: JobQueue) -> tuple[OpenWork, ...]:
    found = queue.census()
    assert found is not None
    return found.works


def test_it_is_told_by_kind_and_status_with_the_age_of_the_oldest(
    context: Context, census: OpenCensus, clock: Clock
) -> None:
    for minutes, evaluation_id in enumerate(("a", "b", "c", "d")):
        submit(context, evaluation_id, minutes)
    spec = TrainingSpec.model_validate({"method": "standard", "env": ENV})
    submit_training(context.store, context.queue, TrainingRecord(id="t", owner="o", spec=spec, created_at=after(4)))
    for evaluation_id in ("c", "d"):
        context.queue.set_phase(evaluation_id, "processing")
    end(context.store, context.queue, EVALUATION, "a", "canceled")
    clock.now = after(10)
    census.take()
    assert told(context.queue) == (
        OpenWork(kind="evaluation", status="processing", count=2, oldest=after(2), still=after(10)),
        OpenWork(kind="evaluation", status="queued", count=1, oldest=after(1), still=after(1)),
        OpenWork(kind="training", status="queued", count=1, oldest=after(4), still=after(4)),
    )


def test_what_moves_on_is_told_from_what_stands_still(context: Context, census: OpenCensus, clock: Clock) -> None:
    for evaluation_id in ("moving", "stuck"):
        submit(context, evaluation_id)
        context.queue.set_phase(evaluation_id, "processing")
    for minutes in range(10, 41, 10):
        clock.now = after(minutes)
        context.queue.record_steps("moving", 0, minutes)
        census.take()
    assert [work.still for work in told(context.queue)] == [after(10)]
    context.queue.record_episodes("stuck", [(0, 0, 0)])
    clock.now = after(50)
    census.take()
    assert [work.still for work in told(context.queue)] == [after(40)]


def test_nothing_open_is_told_too(context: Context, census: OpenCensus) -> None:
    census.take()
    assert told(context.queue) == ()


def test_a_marker_that_goes_while_it_is_read_is_passed_over(tmp_path: Path, redis_url: str, clock: Clock) -> None:
    class Leaving(LocalStore):
        def get(self, key: str) -> bytes:
            if key == keys.active_evaluation("a"):
                self.delete(key)
            return super().get(key)

    store: Store = Leaving(tmp_path)
    made = make_context(tmp_path, redis_url)
    context = Context(store, made.queue, made.settings)
    for evaluation_id in ("a", "b"):
        submit(context, evaluation_id)
    OpenCensus(context, clock).take()
    assert [work.count for work in told(context.queue)] == [1]


def test_what_cannot_be_read_is_open_all_the_same(context: Context, census: OpenCensus, clock: Clock) -> None:
    context.store.put(keys.active_training("t"), b"")
    clock.now = after(7)
    census.take()
    assert told(context.queue) == (
        OpenWork(kind="training", status="queued", count=1, oldest=after(7), still=after(7)),
    )


def test_a_pass_tells_it(context: Context) -> None:
    submit(context, "a")
    Reconciler(context).run_pass()
    assert [(work.kind, work.status, work.count) for work in told(context.queue)] == [("evaluation", "queued", 1)]
