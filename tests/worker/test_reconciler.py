"""The reconciler: whatever was lost, what was accepted gets done."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from saddlepoint.endings import cancel_evaluation, end
from saddlepoint.errors import MalformedPolicy, SaddlepointError, StoreError, Unavailable, UnsupportedEnvironment
from saddlepoint.findings import put_description, put_problem
from saddlepoint.queue import DESCRIBE, EVALUATE, FINISH, SHARD, TRAIN, VALIDATE, JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import (
    BoxSpace,
    DiscreteSpace,
    EnvironmentDescription,
    EnvironmentSpec,
)
from saddlepoint.schemas.evaluations import EvaluationRecord
from saddlepoint.schemas.policies import PolicyHints, UploadRequest, Verdict
from saddlepoint.schemas.problems import problem_of
from saddlepoint.schemas.reports import STORED_FORMS
from saddlepoint.schemas.trainings import TrainingRecord, TrainingSpec
from saddlepoint.state import load_evaluation, load_training
from saddlepoint.store import Store, put_record
from saddlepoint.store.local import LocalStore
from saddlepoint.submission import enqueue_finish, submit_evaluation, submit_training
from saddlepoint.work import EVALUATION, TRAINING
from tests.log_lines import lines_of, write_json
from tests.worker.world import NOW, damage, make_context, make_engine, make_record, plan_of
from worker.context import Context
from worker.finishing import finish_evaluation
from worker.reconciling import Reconciler
from worker.reconciling.uploads import Uploads
from worker.shards import run_shard

ID = "evaluation"


def shard_jobs(count: int) -> set[str]:
    return {SHARD.job_id(ID, str(index)) for index in range(count)}


def submit(context: Context, record: EvaluationRecord | None = None) -> None:
    record = record or make_record()
    submit_evaluation(context.store, context.queue, record, plan_of(record))


def submit_unplanned(context: Context, upload_id: str | None = "upload", **spec: Any) -> None:
    record = make_record(**spec).model_copy(update={"upload_id": upload_id})
    submit_evaluation(context.store, context.queue, record, None)


def play_all(context: Context) -> None:
    submit(context)
    for index in range(3):
        run_shard(context, make_engine(), ID, index)


def put_upload(store: Store, upload_id: str = "upload") -> None:
    store.put(keys.upload_file(upload_id), b"bytes")
    request = UploadRequest(
        upload_id=upload_id,
        policy_id="policy",
        owner="owner",
        sha256="0" * 64,
        size=5,
        filename=None,
        hints=PolicyHints(),
        created_at=NOW,
    )
    put_record(store, keys.upload_request(upload_id), request)


def wipe(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()


def status(context: Context) -> str:
    return load_evaluation(context.store, context.queue, ID).status


def error_code(context: Context) -> str | None:
    error = load_evaluation(context.store, context.queue, ID).error
    return error.code if error else None


@pytest.fixture
def empty(tmp_path: Path, redis_url: str) -> Context:
    """Without the policy."""
    return make_context(tmp_path / "store", redis_url)


def test_shards_that_redis_lost_are_queued_again(context: Context, redis_url: str) -> None:
    submit(context)
    assert context.queue.active(EVALUATE) == shard_jobs(3)
    wipe(redis_url)
    Reconciler(context).run_pass()
    assert context.queue.active(EVALUATE) == shard_jobs(3)


def test_only_shards_that_lack_episodes_are_queued_again(context: Context, redis_url: str) -> None:
    submit(context)
    run_shard(context, make_engine(), ID, 0)
    wipe(redis_url)
    Reconciler(context).run_pass()
    assert context.queue.active(EVALUATE) == shard_jobs(3) - shard_jobs(1)


def test_waiting_shards_are_left_alone(context: Context, redis_url: str) -> None:
    submit(context)
    for _ in range(3):
        Reconciler(context).run_pass()
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen("rq:queue:evaluate") == 3


def test_a_complete_evaluation_gets_its_report(context: Context, redis_url: str) -> None:
    submit(context)
    for index in range(3):
        run_shard(context, make_engine(), ID, index)
    wipe(redis_url)
    reconciler = Reconciler(context)
    for _ in range(2):
        reconciler.run_pass()
        assert context.queue.active(EVALUATE) == {FINISH.job_id(ID)}


def test_what_turns_out_damaged_is_played_again(context: Context, redis_url: str, tmp_path: Path) -> None:
    submit(context)
    for index in range(3):
        run_shard(context, make_engine(), ID, index)
    reconciler = Reconciler(context)
    reconciler.run_pass()
    path = tmp_path / "store" / next(context.store.list("episodes/"))
    path.write_bytes(b"")
    finish_evaluation(context, make_engine(), ID)
    wipe(redis_url)
    reconciler.run_pass()
    assert len(context.queue.active(EVALUATE)) == 1
    assert context.queue.active(EVALUATE) < shard_jobs(3)


def test_a_canceled_evaluation_ends(context: Context) -> None:
    submit(context)
    context.store.put(keys.evaluation_cancel(ID), b"")
    Reconciler(context).run_pass()
    assert status(context) == "canceled"


@pytest.mark.parametrize("dies_at", ["show", "render"])
def test_a_report_whose_finisher_died_after_a_cancel_is_taken_back(
    context: Context, redis_url: str, dies_at: str
) -> None:
    def canceled_and_killed(*_: Any) -> Any:
        cancel_evaluation(context.store, context.queue, ID)
        raise KeyboardInterrupt  # as little as a kill is it an error that somebody handles

    play_all(context)
    wipe(redis_url)
    dying: dict[str, Any] = {dies_at: canceled_and_killed}
    with pytest.raises(KeyboardInterrupt):
        finish_evaluation(context, replace(make_engine(), **dying), ID)
    assert context.store.exists(keys.evaluation_report(ID, "json"))
    Reconciler(context).run_pass()
    assert not any(context.store.exists(keys.evaluation_report(ID, form)) for form in STORED_FORMS)
    assert list(context.store.list(keys.PUBLISHING_EVALUATIONS)) == []
    assert status(context) == "canceled"


def test_a_report_that_may_still_be_put_is_left_to_its_finisher(context: Context, redis_url: str) -> None:
    play_all(context)
    context.store.put(keys.publishing_evaluation(ID), b"")
    cancel_evaluation(context.store, context.queue, ID)
    wipe(redis_url)
    enqueue_finish(context.queue, ID)
    Reconciler(context).run_pass()
    assert list(context.store.list(keys.PUBLISHING_EVALUATIONS)) == [keys.publishing_evaluation(ID)]


def test_a_report_that_stands_is_kept(context: Context, redis_url: str) -> None:
    play_all(context)
    finish_evaluation(context, make_engine(), ID)
    assert list(context.store.list(keys.PUBLISHING_EVALUATIONS)) == []
    wipe(redis_url)
    context.store.put(keys.publishing_evaluation(ID), b"")
    Reconciler(context).run_pass()
    assert context.store.exists(keys.evaluation_report(ID, "json"))
    assert list(context.store.list(keys.PUBLISHING_EVALUATIONS)) == []


def test_an_ended_evaluation_is_no_longer_looked_at(context: Context) -> None:
    submit(context)
    end(context.store, context.queue, EVALUATION, ID, "succeeded")
    context.store.put(keys.active_evaluation(ID), b"")
    Reconciler(context).run_pass()
    assert list(context.store.list("active/")) == []


@pytest.mark.parametrize(("age", "kept"), [(timedelta(minutes=50), True), (timedelta(minutes=70), False)])
@pytest.mark.parametrize("key", [keys.active_evaluation(ID), keys.active_training(ID)])
def test_a_marker_of_nothing_is_dropped_after_an_hour(context: Context, key: str, age: timedelta, kept: bool) -> None:
    context.store.put(key, (datetime.now(UTC) - age).isoformat().encode())
    Reconciler(context).run_pass()
    assert context.store.exists(key) == kept


def test_a_late_policy_gets_its_evaluation_planned(context: Context) -> None:
    submit_unplanned(context)
    Reconciler(context).run_pass()
    assert context.queue.active(EVALUATE) == shard_jobs(3)
    assert load_evaluation(context.store, context.queue, ID).progress.episodes_planned == 17


def test_a_rejected_policy_fails_its_evaluation_with_the_same_problem(empty: Context) -> None:
    submit_unplanned(empty)
    put_upload(empty.store)
    problem = problem_of(MalformedPolicy("It ends too early."))
    put_record(empty.store, keys.upload_verdict("upload"), Verdict(problem=problem))
    Reconciler(empty).run_pass()
    assert load_evaluation(empty.store, empty.queue, ID).error == problem


def test_a_policy_that_does_not_fit_fails_its_evaluation(context: Context) -> None:
    submit_unplanned(context, env="PongNoFrameskip-v4")
    Reconciler(context).run_pass()
    assert error_code(context) == "action-mismatch"


def test_an_evaluation_waits_for_the_verdict_and_not_for_ever(empty: Context) -> None:
    submit_unplanned(empty)
    put_upload(empty.store)
    Reconciler(empty).run_pass()
    assert status(empty) == "queued"
    empty.store.delete(keys.upload_request("upload"))
    Reconciler(empty).run_pass()
    assert error_code(empty) == "job-failed"


def cartpole(actions: int) -> EnvironmentDescription:
    return EnvironmentDescription(
        env=EnvironmentSpec(id="CartPole-v1"),
        observation=BoxSpace(shape=(4, 84, 84), dtype="float32", low=None, high=None),
        action=DiscreteSpace(n=actions),
    )


@pytest.mark.parametrize(
    ("finding", "outcome"),
    [
        (cartpole(18), "queued"),
        (cartpole(2), "action-mismatch"),
        (UnsupportedEnvironment("No box."), "unsupported-environment"),
    ],
)
def test_an_unknown_environment_is_looked_at_first(
    context: Context, finding: EnvironmentDescription | SaddlepointError, outcome: str
) -> None:
    submit_unplanned(context, env="CartPole-v1", epsilon=0.1)
    env = EnvironmentSpec(id="CartPole-v1")
    Reconciler(context).run_pass()
    assert context.queue.is_active(DESCRIBE, env.resolved().model_dump_json())
    if isinstance(finding, EnvironmentDescription):
        put_description(context.store, env, finding)
    else:
        put_problem(context.store, env, finding)
    Reconciler(context).run_pass()
    assert (error_code(context) or status(context)) == outcome


def test_an_evaluation_does_not_wait_for_a_policy_whose_card_is_damaged(context: Context, tmp_path: Path) -> None:
    submit_unplanned(context)
    damage(tmp_path, keys.policy_card("policy"))
    Reconciler(context).run_pass()
    assert error_code(context) == "job-failed"


def test_a_damaged_description_of_an_environment_is_made_again(context: Context, tmp_path: Path) -> None:
    env = EnvironmentSpec(id="CartPole-v1")
    submit_unplanned(context, env=env.id, epsilon=0.1)
    put_description(context.store, env, cartpole(18))
    damage(tmp_path, keys.environment(env.key()))
    Reconciler(context).run_pass()
    assert status(context) == "queued"
    assert context.queue.is_active(DESCRIBE, env.resolved().model_dump_json())
    put_description(context.store, env, cartpole(2))
    Reconciler(context).run_pass()
    assert error_code(context) == "action-mismatch"


def test_an_upload_that_redis_lost_is_validated(empty: Context) -> None:
    put_upload(empty.store)
    put_upload(empty.store, "judged")
    put_record(empty.store, keys.upload_verdict("judged"), Verdict(policy_id="policy"))
    empty.store.put(keys.upload_file("incomplete"), b"bytes")
    Reconciler(empty).run_pass()
    assert [name for name in ("upload", "judged", "incomplete") if empty.queue.is_active(VALIDATE, name)] == ["upload"]


def test_uploads_are_swept_an_hour_after_they_were_seen(empty: Context) -> None:
    now = [0.0]
    uploads = Uploads(empty, clock=lambda: now[0])
    put_upload(empty.store, "old")
    uploads.bring_on()
    now[0] = 1800.0
    empty.store.put(keys.upload_file("young"), b"bytes")
    uploads.bring_on()
    now[0] = 3601.0
    uploads.bring_on()
    assert list(empty.store.list("uploads/")) == ["uploads/young/file"]


def train(context: Context) -> None:
    spec = TrainingSpec(env=EnvironmentSpec(id="CartPole-v1"))
    submit_training(context.store, context.queue, TrainingRecord(id=ID, owner="owner", spec=spec, created_at=NOW))


def test_a_training_that_redis_lost_is_queued_again(context: Context, redis_url: str) -> None:
    train(context)
    wipe(redis_url)
    Reconciler(context).run_pass()
    assert context.queue.is_active(TRAIN, ID)
    end(context.store, context.queue, TRAINING, ID, "succeeded", policy_id="trained")
    wipe(redis_url)
    Reconciler(context).run_pass()
    assert not context.queue.is_active(TRAIN, ID)
    assert load_training(context.store, context.queue, ID).policy_id == "trained"


def test_a_canceled_training_ends(context: Context) -> None:
    train(context)
    context.store.put(keys.training_cancel(ID), b"")
    Reconciler(context).run_pass()
    assert load_training(context.store, context.queue, ID).status == "canceled"


class Sick(LocalStore):
    """A store in which one evaluation cannot be read."""

    def get(self, key: str) -> bytes:
        if "sick" in key:
            raise StoreError("The disk has a bad sector.")
        return super().get(key)


def test_one_that_fails_does_not_hold_up_the_others_and_is_named(
    context: Context, redis_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_json(caplog)
    for name in ("a-sick-one", ID, "z-sick-one"):
        record = make_record(name)
        submit_evaluation(context.store, context.queue, record, plan_of(record))
    wipe(redis_url)
    Reconciler(Context(Sick(tmp_path / "store"), context.queue, context.settings)).run_pass()
    assert context.queue.active(EVALUATE) == shard_jobs(3)
    failed = [line for line in lines_of(caplog) if line["level"] == "error"]
    assert [(line["kind"], line["id"]) for line in failed] == [
        ("evaluation", "a-sick-one"),
        ("evaluation", "z-sick-one"),
    ]


def test_a_pass_is_given_up_while_redis_is_away(context: Context, tmp_path: Path) -> None:
    submit(context)
    away = Context(context.store, JobQueue.open(f"unix://{tmp_path}/nobody"), context.settings)
    with pytest.raises(Unavailable):
        Reconciler(away).run_pass()


def test_two_reconcilers_at_once_do_no_harm(context: Context, redis_url: str) -> None:
    submit(context)
    first, second = Reconciler(context), Reconciler(context)
    wipe(redis_url)
    for reconciler in (first, second, first):
        reconciler.run_pass()
    for index in range(3):
        run_shard(context, make_engine(), ID, index)
        finish_evaluation(context, make_engine(), ID)
        second.run_pass()
        first.run_pass()
    assert status(context) == "succeeded"
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen("rq:queue:evaluate") == len(context.queue.active(EVALUATE))


def test_a_pass_reads_what_waits_once_however_many_evaluations_go_on(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        submit(context, make_record(f"evaluation-{number}"))
    reads: list[str] = []
    active = JobQueue.active

    def counted(queue: JobQueue, name: str) -> frozenset[str]:
        reads.append(name)
        return active(queue, name)

    monkeypatch.setattr(JobQueue, "active", counted)
    Reconciler(context).run_pass()
    assert reads == [EVALUATE]


def test_a_pass_that_may_not_go_on_stops_after_the_evaluation_that_it_is_at(context: Context, redis_url: str) -> None:
    for name in ("a", "b"):
        submit(context, make_record(name))
    wipe(redis_url)
    Reconciler(context).run_pass(lambda: not context.queue.active(EVALUATE))
    assert context.queue.active(EVALUATE) == {SHARD.job_id("a", str(index)) for index in range(3)}
