"""Looking at a finished evaluation once more."""

from collections.abc import Callable
from typing import Any

import pytest

from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.examinations import Examination
from saddlepoint.schemas.plans import EpisodeResult, Plan, Shard
from saddlepoint.schemas.policies import Lineage
from saddlepoint.schemas.reports import RobustnessReport
from saddlepoint.state import load_evaluation
from saddlepoint.store import get_record, put_record
from saddlepoint.submission import submit_evaluation
from tests.worker.world import ENV, make_card, make_engine, make_record, plan_of, play, play_shards, submitted
from worker.attempts import MAX_ATTEMPTS
from worker.context import Context
from worker.finishing import finish_evaluation
from worker.shards import run_shard

ID = "evaluation"


@pytest.fixture
def plan(context: Context) -> Plan:
    """Of an evaluation whose episodes are all there."""
    plan = submitted(context)
    play_shards(context, plan)
    return plan


def finding(*hints: str) -> Callable[..., Examination]:
    def examine(*_: Any, alive: Callable[[], None]) -> Examination:
        alive()
        return Examination(hints=list(hints))

    return examine


def finish(context: Context, examine: Callable[..., Examination]) -> RobustnessReport:
    finish_evaluation(context, make_engine(examine=examine), ID)
    return get_record(context.store, keys.evaluation_report(ID, "json"), RobustnessReport)


def test_what_is_found_is_put_and_goes_into_the_report(context: Context, plan: Plan) -> None:
    assert finish(context, finding("look here")).warnings == ["look here"]
    assert get_record(context.store, keys.evaluation_examination(ID), Examination).hints == ["look here"]


def test_what_was_found_by_one_that_died_then_stands(context: Context, plan: Plan) -> None:
    context.store.put(keys.evaluation_examination(ID), Examination(hints=["first"]).model_dump_json().encode())
    assert finish(context, finding("second")).warnings == ["first"]


def test_a_defect_in_it_does_not_cost_the_report(context: Context, plan: Plan) -> None:
    def examine(*_: Any, alive: Callable[[], None]) -> Examination:
        raise RuntimeError("a shape that nobody thought of")

    assert finish(context, examine).warnings == []
    assert load_evaluation(context.store, context.queue, ID).status == "succeeded"


@pytest.mark.parametrize(("lineage", "status"), [(False, "failed"), (True, "succeeded")])
def test_a_clean_score_that_is_too_low_is_refused_with_what_was_tried_unless_the_policy_was_trained_here(
    context: Context, lineage: bool, status: str
) -> None:
    if lineage:
        env = EnvironmentSpec(id=ENV)
        origin = Lineage(method="atpa", env=env, config={}, steps=1, seed=0, versions={})
        context.store.delete(keys.policy_card("policy"))
        put_record(context.store, keys.policy_card("policy"), make_card().model_copy(update={"lineage": origin}))
    record = make_record(require_clean_score=True)
    plan = plan_of(record)
    submit_evaluation(context.store, context.queue, record, plan)

    def lose(plan: Plan, shard: Shard, model: bytes, *, put: Callable[[EpisodeResult], None], **rest: Any) -> None:
        play(plan, shard, model, put=lambda result: put(result.model_copy(update={"episode_return": 0.0})), **rest)

    for shard in plan.shards:
        run_shard(context, make_engine(lose), ID, shard.index)
    finish(context, finding("With pixel_scale 255 it is better."))
    evaluation = load_evaluation(context.store, context.queue, ID)
    assert evaluation.status == status
    assert (evaluation.error is not None) == (not lineage)
    assert evaluation.error is None or "With pixel_scale 255 it is better." in evaluation.error.detail


def test_one_that_kills_its_worker_again_and_again_is_left_out(context: Context, plan: Plan) -> None:
    def examine(*_: Any, alive: Callable[[], None]) -> Examination:
        raise KeyboardInterrupt

    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            finish(context, examine)
    assert finish(context, examine).warnings == []
    assert load_evaluation(context.store, context.queue, ID).status == "succeeded"
