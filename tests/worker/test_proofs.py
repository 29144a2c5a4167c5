"""What shows what a training gained: begun, lost, repeated, and there once all the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from saddlepoint.endings import cancel_evaluation, cancel_job, cancel_training, end
from saddlepoint.errors import Conflict
from saddlepoint.proof import ask_for_proof, bring_on_proof
from saddlepoint.schemas import keys
from saddlepoint.schemas.comparisons import ComparisonResult
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.plans import Plan
from saddlepoint.schemas.training_reports import training_report_id
from saddlepoint.schemas.trainings import Proof, TrainingRecord, TrainingSpec
from saddlepoint.state import load_training
from saddlepoint.store import find_record, get_record, put_record
from saddlepoint.submission import submit_training
from saddlepoint.work import COMPARISON, TRAINING
from tests.worker.world import ENV, NOW, make_card, make_engine
from worker.chunks import run_chunk
from worker.comparisons import COMPARISONS
from worker.context import Context
from worker.finishing import finish_evaluation
from worker.reconciling import Reconciler
from worker.shards import run_shard
from worker.training_reports import TRAINING_REPORTS

ID = "training"


def evaluation(**fields: Any) -> EvaluationSpec:
    return EvaluationSpec.model_validate(
        {"env": ENV, "seeds": 2, "episodes_per_seed": 2, "attacks": ["none", "random"], "precision": "fp32", **fields}
    )


def submit(context: Context, policy_id: str | None = "policy") -> None:
    """A training from the world's policy."""
    spec = TrainingSpec(env=EnvironmentSpec(id=ENV), policy_id=policy_id)
    ask_for_proof(context.store, ID, evaluation())
    submit_training(context.store, context.queue, TrainingRecord(id=ID, owner="owner", spec=spec, created_at=NOW))


def publish(context: Context) -> None:
    """What the trainer does at the end, killed before it thinks of the proof."""
    context.store.put(keys.policy_model("child"), b"model")
    put_record(
        context.store, keys.policy_card("child"), make_card("child").model_copy(update={"canonical_sha256": "child"})
    )
    end(context.store, context.queue, TRAINING, ID, "succeeded", policy_id="child")


def proof(context: Context) -> Proof:
    found = load_training(context.store, context.queue, ID).proof
    assert found is not None
    return found


def passes(context: Context, count: int = 2) -> None:
    """Passes of reconcilers that know nothing of one another, on a Redis that has lost everything."""
    for _ in range(count):
        context.queue._connection.flushall()
        Reconciler(context).run_pass()


def play(context: Context, evaluation_id: str | None) -> None:
    """What the workers do with an evaluation that is planned."""
    assert evaluation_id is not None
    plan = find_record(context.store, keys.evaluation_plan(evaluation_id), Plan)
    assert plan is not None
    for shard in plan.shards:
        run_shard(context, make_engine(), evaluation_id, shard.index)
    finish_evaluation(context, make_engine(), evaluation_id)


def test_audit_training_audit_comparison_and_report_follow_one_another(context: Context) -> None:
    submit(context)
    passes(context)
    play(context, proof(context).parent_evaluation)
    assert proof(context).evaluation is None
    publish(context)
    passes(context)
    play(context, proof(context).evaluation)
    assert proof(context).is_pending
    passes(context)
    compared = proof(context).comparison
    assert compared is not None
    run_chunk(context, COMPARISONS, compared, 0)
    assert proof(context).is_pending
    passes(context)
    done = proof(context)
    assert (done.is_pending, done.error, done.comparison) == (False, None, compared)
    result = ComparisonResult.model_validate_json(context.store.get(keys.job_result("comparison", compared, "json")))
    assert (result.spec.baseline, result.spec.candidate) == ((done.parent_evaluation,), (done.evaluation,))
    assert result.paired == "episodes"
    assert [run.policy_id for run in (*result.baseline.runs, *result.candidate.runs)] == ["policy", "child"]
    report_id = training_report_id(ID, compared)
    run_chunk(context, TRAINING_REPORTS, report_id, 0)
    page = context.store.get(keys.job_result("training-report", report_id, "html"))
    assert b"What changed" in page


def test_a_comparison_that_was_canceled_ends_the_proof_without_a_report_of_it(context: Context) -> None:
    submit(context)
    publish(context)
    passes(context)
    for part in ("parent_evaluation", "evaluation"):
        play(context, getattr(proof(context), part))
    passes(context)
    compared = proof(context).comparison
    assert compared is not None
    cancel_job(context.store, context.queue, COMPARISON, compared)
    passes(context)
    assert not proof(context).is_pending
    assert not context.store.exists(keys.job_spec("training-report", training_report_id(ID, compared)))


def test_steps_that_are_repeated_make_nothing_twice(context: Context) -> None:
    submit(context)
    for _ in range(3):
        bring_on_proof(context.store, context.queue, ID)
    publish(context)
    for _ in range(3):
        bring_on_proof(context.store, context.queue, ID)
    evaluations = [key for key in context.store.list(keys.EVALUATIONS) if key.endswith("/spec.json")]
    assert len(evaluations) == 2


def test_an_evaluation_that_was_submitted_in_part_is_listed_in_the_end(context: Context) -> None:
    submit(context)
    bring_on_proof(context.store, context.queue, ID)
    (listed,) = list(context.store.list(keys.evaluation_index_prefix("owner")))
    context.store.delete(listed)  # as a kill would leave it, right before its last step and before the name was kept
    context.store.delete(keys.training_proof_part(ID, "parent_evaluation"))
    bring_on_proof(context.store, context.queue, ID)
    assert list(context.store.list(keys.evaluation_index_prefix("owner"))) == [listed]


def test_a_step_whose_name_was_not_kept_is_found_again(context: Context) -> None:
    """Killed between the evaluation and the note of its id."""
    submit(context)
    bring_on_proof(context.store, context.queue, ID)
    first = proof(context).parent_evaluation
    context.store.delete(keys.training_proof_part(ID, "parent_evaluation"))
    bring_on_proof(context.store, context.queue, ID)
    assert proof(context).parent_evaluation == first


def test_a_training_from_nothing_is_evaluated_and_compared_with_nothing(context: Context) -> None:
    submit(context, policy_id=None)
    publish(context)
    passes(context)
    found = proof(context)
    assert (found.parent_evaluation, found.comparison, found.is_pending) == (None, None, False)
    play(context, found.evaluation)


def test_a_canceled_training_is_not_proved(context: Context) -> None:
    submit(context)
    passes(context, 1)
    cancel_training(context.store, context.queue, ID)
    passes(context, 1)
    assert proof(context).evaluation is None
    assert not proof(context).is_pending


def test_an_evaluation_that_was_canceled_leaves_nothing_to_compare(context: Context) -> None:
    submit(context)
    publish(context)
    passes(context)
    play(context, proof(context).parent_evaluation)
    child = proof(context).evaluation
    assert child is not None
    cancel_evaluation(context.store, context.queue, child)
    passes(context)
    found = proof(context)
    assert found.error is not None
    assert (found.comparison, found.is_pending, found.error.code) == (None, False, "conflict")
    assert found.evaluation == child


def test_a_parent_that_was_deleted_is_no_endless_task(context: Context) -> None:
    submit(context)
    context.store.delete(keys.policy_card("policy"))
    passes(context)
    found = proof(context)
    assert found.error is not None
    assert (found.is_pending, found.error.code) == (False, "not-found")


def test_the_first_evaluation_that_was_asked_for_stands(context: Context) -> None:
    submit(context)
    ask_for_proof(context.store, ID, evaluation(seeds=[1, 0]))
    with pytest.raises(Conflict, match="another evaluation"):
        ask_for_proof(context.store, ID, evaluation(seeds=3))


def test_what_was_asked_for_before_a_training_that_never_came_is_forgotten(context: Context) -> None:
    ask_for_proof(context.store, ID, evaluation())
    passes(context, 1)
    assert context.store.exists(keys.active_proof(ID))
    context.store.delete(keys.active_proof(ID))
    context.store.put(keys.active_proof(ID), (datetime.now(UTC) - timedelta(hours=2)).isoformat().encode())
    passes(context, 1)
    assert not context.store.exists(keys.active_proof(ID))


def test_a_training_without_an_evaluation_has_no_proof(context: Context) -> None:
    spec = TrainingSpec(env=EnvironmentSpec(id=ENV), policy_id="policy")
    record = TrainingRecord(id=ID, owner="owner", spec=spec, created_at=NOW)
    submit_training(context.store, context.queue, record)
    publish(context)
    passes(context)
    assert load_training(context.store, context.queue, ID).proof is None
    assert get_record(context.store, keys.training_spec(ID), TrainingRecord) == record
    assert not list(context.store.list(keys.EVALUATIONS))
