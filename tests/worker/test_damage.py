"""Artifacts of an evaluation that do not match their checksum: whatever is damaged, it comes to an end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from saddlepoint.errors import ArtifactCorrupt
from saddlepoint.schemas import keys
from saddlepoint.schemas.examinations import Examination
from saddlepoint.schemas.plans import Plan
from saddlepoint.state import load_evaluation
from saddlepoint.store import get_record, put_record
from tests.worker.world import damage as damage_artifact
from tests.worker.world import make_engine, play_shards, submitted
from worker.attempts import MAX_ATTEMPTS
from worker.context import Context
from worker.finishing import finish_evaluation
from worker.reconciling import Reconciler
from worker.shards import run_shard

ID = "evaluation"


@pytest.fixture
def plan(context: Context) -> Plan:
    """Of an evaluation whose episodes are all there."""
    plan = submitted(context)
    play_shards(context, plan)
    return plan


@pytest.fixture
def damage(tmp_path: Path) -> Callable[[str], object]:
    """Changes one byte of an artifact."""
    return lambda key: damage_artifact(tmp_path, key)


def finish(context: Context, hint: str = "") -> None:
    finish_evaluation(context, make_engine(examine=lambda *_, **__: Examination(hints=[hint])), ID)


def test_an_examination_is_made_again(context: Context, plan: Plan, damage: Callable[[str], object]) -> None:
    key = keys.evaluation_examination(ID)
    put_record(context.store, key, Examination(hints=["first"]))
    damage(key)
    finish(context, "second")
    assert get_record(context.store, key, Examination).hints == ["second"]
    assert load_evaluation(context.store, context.queue, ID).status == "succeeded"


@pytest.mark.parametrize(
    "go_on",
    [
        finish,
        lambda context: run_shard(context, make_engine(), ID, 0),
        lambda context: Reconciler(context).run_pass(),
    ],
    ids=["report", "shard", "reconciler"],
)
def test_without_its_plan_an_evaluation_fails(
    context: Context, plan: Plan, damage: Callable[[str], object], go_on: Callable[[Context], object]
) -> None:
    damage(keys.evaluation_plan(ID))
    go_on(context)
    evaluation = load_evaluation(context.store, context.queue, ID)
    assert (evaluation.status, evaluation.error and evaluation.error.code) == ("failed", "job-failed")
    assert evaluation.error is not None
    assert "The plan of the evaluation is damaged" in evaluation.error.detail
    assert not context.store.exists(keys.active_evaluation(ID))


def test_without_its_policys_card_an_evaluation_fails(
    context: Context, plan: Plan, damage: Callable[[str], object]
) -> None:
    damage(keys.policy_card("policy"))
    finish(context)
    error = load_evaluation(context.store, context.queue, ID).error
    assert error is not None
    assert "The card of policy policy is damaged" in error.detail


def test_without_its_policy_a_report_goes_without_an_examination(
    context: Context, plan: Plan, damage: Callable[[str], object]
) -> None:
    damage(keys.policy_model("policy"))
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(ArtifactCorrupt):
            finish(context)
    finish(context)
    assert load_evaluation(context.store, context.queue, ID).status == "succeeded"
