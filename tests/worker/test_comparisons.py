"""Comparisons as a worker makes them, from the reports that lie in the store."""

import pytest

from saddlepoint.comparing import submit_comparison
from saddlepoint.endings import end
from saddlepoint.errors import Conflict, NotComparable
from saddlepoint.job_states import load_comparison
from saddlepoint.queue import CHUNK, EVALUATE
from saddlepoint.schemas import keys
from saddlepoint.schemas.comparisons import Comparison, ComparisonRecord, ComparisonResult, ComparisonSpec, GroupsSpec
from saddlepoint.schemas.environments import EnvironmentSpec, describe_atari
from saddlepoint.schemas.evaluations import EvaluationRecord
from saddlepoint.schemas.group_comparisons import GroupsResult
from saddlepoint.schemas.plans import make_plan
from saddlepoint.store import get_record, put_record
from saddlepoint.submission import submit_evaluation
from saddlepoint.work import COMPARISON, EVALUATION
from tests.worker.world import ENV, make_card, make_engine, make_record
from worker.chunks import run_chunk
from worker.comparisons import COMPARISONS
from worker.context import Context
from worker.finishing import finish_evaluation
from worker.reconciling import Reconciler
from worker.shards import run_shard

SPEC = ComparisonSpec(baseline=("parent",), candidate=("child",))


def evaluate(context: Context, name: str, **spec: object) -> None:
    """An evaluation of a policy of its own, played to its report."""
    card = make_card(f"policy-{name}").model_copy(update={"canonical_sha256": name})
    context.store.put(keys.policy_model(card.id), b"model")
    put_record(context.store, keys.policy_card(card.id), card)
    record: EvaluationRecord = make_record(name, **spec).model_copy(update={"policy_id": card.id})
    plan = make_plan(record, card, describe_atari(EnvironmentSpec(id=ENV)), default_precision="fp32")
    submit_evaluation(context.store, context.queue, record, plan)
    for shard in plan.shards:
        run_shard(context, make_engine(), name, shard.index)
    finish_evaluation(context, make_engine(), name)


def state(context: Context, comparison_id: str) -> Comparison:
    record = get_record(context.store, COMPARISON.spec(comparison_id), ComparisonRecord)
    return load_comparison(context.store, context.queue, record)


@pytest.fixture
def evaluated(context: Context) -> Context:
    for name in ("parent", "child"):
        evaluate(context, name)
    return context


def test_two_evaluations_become_a_comparison_in_every_form(evaluated: Context) -> None:
    comparison_id = submit_comparison(evaluated.store, evaluated.queue, "owner", SPEC)
    run_chunk(evaluated, COMPARISONS, comparison_id, 0)
    result = ComparisonResult.model_validate_json(
        evaluated.store.get(keys.job_result("comparison", comparison_id, "json"))
    )
    assert [cell.title for cell in result.cells] == ["none", "random@4"]
    assert (result.paired, result.setting["seeds"]) == ("episodes", [0, 1, 2])
    assert result.candidate.runs[0].policy_id == "policy-child"
    assert evaluated.store.get(keys.job_result("comparison", comparison_id, "html")).startswith(b"<!doctype html>")
    assert b"| none |" in evaluated.store.get(keys.job_result("comparison", comparison_id, "md"))
    ended = state(evaluated, comparison_id)
    assert (ended.status, ended.verdict) == ("succeeded", result.verdict)


def test_several_methods_become_a_comparison_in_every_form(evaluated: Context) -> None:
    evaluate(evaluated, "other")
    spec = GroupsSpec(groups={"standard": ("parent",), "atpa": ("child", "other")})
    comparison_id = submit_comparison(evaluated.store, evaluated.queue, "owner", spec)
    run_chunk(evaluated, COMPARISONS, comparison_id, 0)
    result = GroupsResult.model_validate_json(evaluated.store.get(keys.job_result("comparison", comparison_id, "json")))
    assert [(group.title, len(group.runs)) for group in result.groups] == [("standard", 1), ("atpa", 2)]
    assert result.setting["seeds"] == [0, 1, 2]
    assert b"data-sortable" in evaluated.store.get(keys.job_result("comparison", comparison_id, "html"))
    assert b"| attack | epsilon | standard | atpa |" in evaluated.store.get(
        keys.job_result("comparison", comparison_id, "md")
    )
    assert state(evaluated, comparison_id).verdict == result.verdict


def test_the_same_evaluations_are_one_comparison_however_often_it_is_asked_for(evaluated: Context) -> None:
    first, again = (submit_comparison(evaluated.store, evaluated.queue, "owner", SPEC) for _ in range(2))
    assert first == again
    for _ in range(2):
        run_chunk(evaluated, COMPARISONS, first, 0)
    assert submit_comparison(evaluated.store, evaluated.queue, "owner", SPEC) == first


def test_it_is_done_before_what_waits_already(evaluated: Context) -> None:
    record = make_record("other")
    plan = make_plan(record, make_card(), describe_atari(EnvironmentSpec(id=ENV)), default_precision="fp32")
    submit_evaluation(evaluated.store, evaluated.queue, record, plan)
    comparison_id = submit_comparison(evaluated.store, evaluated.queue, "owner", SPEC)
    queue = evaluated.queue._queue(EVALUATE)
    assert queue.get_job_ids()[0] == CHUNK.job_id("comparison", comparison_id, "0")


def test_one_that_redis_lost_is_queued_again(evaluated: Context) -> None:
    comparison_id = submit_comparison(evaluated.store, evaluated.queue, "owner", SPEC)
    evaluated.queue._connection.flushall()
    Reconciler(evaluated).run_pass()
    assert evaluated.queue.is_active(CHUNK, "comparison", comparison_id, "0")


def test_evaluations_of_another_setting_are_refused(evaluated: Context) -> None:
    evaluate(evaluated, "longer", episodes_per_seed=3)
    with pytest.raises(NotComparable, match="episodes_per_seed is 2 in parent and 3 in longer"):
        submit_comparison(
            evaluated.store, evaluated.queue, "owner", ComparisonSpec(baseline=("parent",), candidate=("longer",))
        )


def test_an_evaluation_without_success_is_refused(evaluated: Context) -> None:
    record = make_record("ended")
    put_record(evaluated.store, keys.evaluation_spec("ended"), record)
    end(evaluated.store, evaluated.queue, EVALUATION, "ended", "failed")
    with pytest.raises(Conflict, match="ended has failed"):
        submit_comparison(
            evaluated.store, evaluated.queue, "owner", ComparisonSpec(baseline=("parent",), candidate=("ended",))
        )


def test_a_report_that_was_deleted_ends_it(evaluated: Context) -> None:
    comparison_id = submit_comparison(evaluated.store, evaluated.queue, "owner", SPEC)
    evaluated.store.delete(keys.evaluation_report("child", "json"))
    run_chunk(evaluated, COMPARISONS, comparison_id, 0)
    ended = state(evaluated, comparison_id)
    assert ended.error is not None
    assert (ended.status, ended.error.code) == ("failed", "not-found")
