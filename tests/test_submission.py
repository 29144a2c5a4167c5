"""How evaluations and trainings begin: stored first, queued after."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from saddlepoint.errors import StoreError
from saddlepoint.queue import EVALUATE, FINISH, TRAIN, JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.plans import Plan, PlanSummary
from saddlepoint.schemas.trainings import TrainingRecord, TrainingSpec
from saddlepoint.store import get_record
from saddlepoint.store.local import LocalStore
from saddlepoint.submission import enqueue_finish, shard_timeout_s, submit_evaluation, submit_training
from tests.worker.world import NOW, make_context, make_record, plan_of
from worker.context import Context

ID = "evaluation"
RECORD = make_record()
PLAN = plan_of(RECORD)


@pytest.fixture
def context(tmp_path: Path, redis_url: str) -> Context:
    return make_context(tmp_path / "store", redis_url)


def test_everything_is_stored_and_every_shard_queued(context: Context) -> None:
    assert submit_evaluation(context.store, context.queue, RECORD, PLAN) == RECORD
    assert list(context.store.list("")) == [
        keys.active_evaluation(ID),
        keys.evaluation_plan_summary(ID),
        keys.evaluation_plan(ID),
        keys.evaluation_spec(ID),
        keys.evaluation_index("owner", NOW, ID),
    ]
    assert get_record(context.store, keys.evaluation_plan(ID), Plan) == PLAN
    assert get_record(context.store, keys.evaluation_plan_summary(ID), PlanSummary) == PlanSummary(
        episodes=17, shards=3
    )
    assert len(context.queue.active(EVALUATE)) == 3


def test_many_who_submit_the_same_make_one_evaluation(context: Context) -> None:
    records = [RECORD.model_copy(update={"created_at": NOW + timedelta(seconds=index)}) for index in range(32)]
    with ThreadPoolExecutor(16) as pool:
        standing = list(pool.map(lambda record: submit_evaluation(context.store, context.queue, record, PLAN), records))
    assert len(set(map(str, standing))) == 1
    assert len(list(context.store.list(keys.evaluation_index_prefix("owner")))) == 1
    assert len(context.queue.active(EVALUATE)) == 3


def test_redis_being_away_does_not_keep_an_evaluation_from_being_accepted(context: Context, tmp_path: Path) -> None:
    away = JobQueue.open(f"unix://{tmp_path}/nobody")
    submit_evaluation(context.store, away, RECORD, PLAN)
    submit_training(context.store, away, training())
    assert context.store.exists(keys.evaluation_plan(ID))
    assert context.store.exists(keys.active_training("training"))


class FullAfter(LocalStore):
    """A store in which the disk is full after some puts."""

    left = 0

    def put(self, key: str, data: bytes) -> bool:
        if self.left == 0:
            raise StoreError("The disk is full.")
        self.left -= 1
        return super().put(key, data)


@pytest.mark.parametrize("puts", range(5))
def test_a_submission_that_failed_midway_can_be_repeated(context: Context, tmp_path: Path, puts: int) -> None:
    full = FullAfter(tmp_path / "store")
    full.left = puts
    broken = replace(context, store=full)
    with pytest.raises(StoreError):
        submit_evaluation(broken.store, broken.queue, RECORD, PLAN)
    assert context.queue.active(EVALUATE) == frozenset()
    submit_evaluation(context.store, context.queue, RECORD, PLAN)
    assert len(list(context.store.list(""))) == 5
    assert len(context.queue.active(EVALUATE)) == 3


def training() -> TrainingRecord:
    spec = TrainingSpec(env=EnvironmentSpec(id="CartPole-v1"))
    return TrainingRecord(id="training", owner="owner", spec=spec, created_at=NOW)


def test_a_training_is_stored_and_queued(context: Context) -> None:
    assert submit_training(context.store, context.queue, training()) == training()
    assert list(context.store.list("")) == [
        keys.active_training("training"),
        keys.training_index("owner", NOW, "training"),
        keys.training_spec("training"),
    ]
    assert context.queue.is_active(TRAIN, "training")


def test_the_report_is_queued_once(context: Context) -> None:
    for _ in range(2):
        enqueue_finish(context.queue, ID)
    assert context.queue.active(EVALUATE) == {FINISH.job_id(ID)}


@pytest.mark.parametrize(
    ("change", "longer"),
    [
        (lambda plan: plan.model_copy(update={"max_episode_steps": 100}), False),
        (lambda plan: plan.model_copy(update={"max_episode_steps": 10**6}), False),
        (lambda plan: plan.model_copy(update={"environment": unlimited(plan), "max_episode_steps": 10**6}), True),
        (lambda plan: plan.model_copy(update={"environment": unlimited(plan)}), True),
    ],
)
def test_a_shard_has_as_long_as_its_longest_episodes_may_take(change: Callable[[Plan], Plan], longer: bool) -> None:
    base = shard_timeout_s(PLAN, PLAN.shards[0])
    assert base > 3600
    assert (shard_timeout_s(change(PLAN), PLAN.shards[0]) > base) == longer


def unlimited(plan: Plan) -> object:
    return plan.environment.model_copy(update={"max_episode_steps": None})
