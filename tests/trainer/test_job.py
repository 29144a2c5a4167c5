"""A queued training: whatever interrupts it, one policy comes out."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from saddlepoint.endings import cancel_training
from saddlepoint.errors import JobFailed, SaddlepointError, StoreError, Unavailable
from saddlepoint.policies import load_network
from saddlepoint.proof import ask_for_proof
from saddlepoint.queue import JobQueue, Observed
from saddlepoint.rq_worker import Interrupted
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import TERMINAL, EvaluationRecord, EvaluationSpec
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.trainings import TrainingSpec
from saddlepoint.store import Store, get_record, open_store, put_record
from saddlepoint.work import TRAINING, find_terminal
from tests.trainer.cartpole import any_method, cartpole_spec
from tests.trainer.jobs import ID, UPDATES, published, run, submit
from tests.trainer.parents import parent
from trainer import attempts, job
from trainer.build import Machine
from trainer.curve import UpdateRecord
from trainer.job import run_job
from trainer.methods import METHODS
from trainer.pace import Every
from trainer.training import Training


def test_a_training_ends_in_a_published_policy(store: Store, queue: JobQueue) -> None:
    submit(store)
    training = run(store, queue)
    assert training.status == "succeeded"
    assert training.policy_id is not None
    card = get_record(store, keys.policy_card(training.policy_id), PolicyCard)
    assert card.lineage is not None
    assert (card.lineage.method, card.lineage.steps, card.lineage.training_id) == ("standard", UPDATES * 256, ID)
    assert load_network(store.get(keys.policy_model(training.policy_id))).observation_shape == (4,)
    assert store.exists(keys.policy_weights(training.policy_id))
    assert store.exists(keys.policy_index("anna", card.created_at, training.policy_id))


def test_the_policy_half_way_is_kept(store: Store, queue: JobQueue) -> None:
    submit(store)
    run(store, queue)
    assert published(store) == ["", "standard (middle)"]


def test_the_curve_covers_every_update(store: Store, queue: JobQueue) -> None:
    submit(store)
    curve = run(store, queue).progress.curve
    assert [point.update for point in curve] == list(range(1, UPDATES + 1))


def test_an_ended_training_is_left_alone(store: Store, queue: JobQueue) -> None:
    submit(store)
    cancel_training(store, queue, ID)
    assert run(store, queue).status == "canceled"
    assert published(store) == []


def test_a_canceled_training_stops_without_a_policy(
    store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(store)

    def cancel_in_between(*arguments: object) -> bool:
        cancel_training(store, queue, ID)
        return False

    monkeypatch.setattr(attempts, "is_superseded", cancel_in_between)
    assert run(store, queue).status == "canceled"
    assert published(store) == []


@dataclass
class Updates:
    """Of attempts to come, by a clock that stands still but for what each update takes before it is kept."""

    seconds: float
    now: float = 0.0
    kept: list[int] = field(default_factory=list)

    def clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        keep = job._Attempt.keep

        def keep_later(attempt: job._Attempt, training: Training, record: UpdateRecord) -> None:
            self.kept.append(record.update)
            self.now += self.seconds
            keep(attempt, training, record)

        monkeypatch.setattr(job, "Every", partial(Every, clock=lambda: self.now))
        monkeypatch.setattr(job._Attempt, "keep", keep_later)


def test_whether_it_is_wanted_is_asked_once_a_second_and_before_a_checkpoint(
    store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    updates, asked = Updates(0.3), list[float]()
    updates.clock(monkeypatch)
    is_superseded = attempts.is_superseded

    def note(store: Store, training_id: str, number: int) -> bool:
        asked.append(updates.now)
        return is_superseded(store, training_id, number)

    monkeypatch.setattr(attempts, "is_superseded", note)
    submit(store)
    assert run(store, queue).status == "succeeded"
    half_way = UPDATES // 2
    assert asked == pytest.approx([0.3 * update for update in (half_way, 4, UPDATES)])


def test_a_cancel_is_seen_within_a_second(store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    updates = Updates(0.5)
    updates.clock(monkeypatch)
    submit(store)
    begin = attempts.begin

    def cancel_and_begin(store: Store, training_id: str, update: int) -> int:
        cancel_training(store, queue, ID)
        return begin(store, training_id, update)

    monkeypatch.setattr(attempts, "begin", cancel_and_begin)
    assert run(store, queue).status == "canceled"
    assert updates.kept == [1, 2]


def test_an_attempt_stops_when_another_takes_over(
    store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "WANTED_S", 0.0)
    submit(store)
    keep = job._Attempt.keep

    def be_taken_for_dead(self: job._Attempt, training: Training, record: UpdateRecord) -> None:
        keep(self, training, record)
        attempts.begin(store, ID, 0)

    monkeypatch.setattr(job._Attempt, "keep", be_taken_for_dead)
    run_job(store, queue, ID, Machine())
    assert find_terminal(store, TRAINING, ID) is None
    assert len(list(store.list(keys.training_attempts(ID)))) == 2


def test_numbers_of_withdrawn_attempts_leave_no_hole(store: Store) -> None:
    assert [attempts.begin(store, ID, update) for update in range(3)] == [0, 1, 2]
    attempts.withdraw(store, ID, 1)
    assert attempts.begin(store, ID, 9) == 3


class Killed(Exception):
    """What ends an attempt at once, as a signal would."""


def killed_at(update: int, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]) -> None:
    """The next attempt keeps a checkpoint after every update, and ends with `error` after `update`."""
    keep = job._Attempt.keep

    def keep_or_die(self: job._Attempt, training: Training, record: UpdateRecord) -> None:
        keep(self, training, record)
        if record.update == update:
            raise error

    monkeypatch.setattr(job, "CHECKPOINT_S", 0.0)
    monkeypatch.setattr(job._Attempt, "keep", keep_or_die)


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_training_goes_on_and_gives_the_same_policy(
    store: Store, queue: JobQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    spec = any_method(method, UPDATES * 256)
    undisturbed = open_store(str(tmp_path / "undisturbed"))
    submit(undisturbed, spec)
    expected = run(undisturbed, queue)
    submit(store, spec)
    with monkeypatch.context() as patch:
        killed_at(4, patch, Killed)
        with pytest.raises(Killed):
            run(store, queue)
    resumed = run(store, queue)
    assert resumed.policy_id == expected.policy_id
    assert [p.model_copy(update={"extra": {}}) for p in resumed.progress.curve] == [
        p.model_copy(update={"extra": {}}) for p in expected.progress.curve
    ]


def test_what_a_killed_attempt_took_until_its_checkpoint_is_counted_once(
    store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted() -> float:
        return queue.totals()["training_steps"].get(("standard",), Observed()).sum

    before = counted()
    submit(store)
    with monkeypatch.context() as patch:
        killed_at(4, patch, Killed)
        with pytest.raises(Killed):
            run(store, queue)
    assert counted() - before == 4 * 256
    run(store, queue)
    assert counted() - before == UPDATES * 256


def test_only_the_newest_checkpoints_stay(store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "CHECKPOINT_S", 0.0)
    submit(store)
    run(store, queue)
    kept = list(store.list(keys.training_checkpoints(ID)))
    assert kept == [keys.training_checkpoint(ID, update, 0) for update in (UPDATES - 1, UPDATES)]


def test_being_stopped_on_purpose_is_no_attempt(store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    submit(store)
    killed_at(1, monkeypatch, Interrupted)
    with pytest.raises(Interrupted):
        run(store, queue)
    assert list(store.list(keys.training_attempts(ID))) == []


@pytest.mark.parametrize("error", [StoreError("The disk is full."), Unavailable("Redis is away.")])
def test_a_store_that_fails_for_a_moment_ends_no_training(
    store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch, error: SaddlepointError
) -> None:
    submit(store)

    def fail(self: job._Attempt, training: Training, record: UpdateRecord) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(job._Attempt, "keep", fail)
        for _ in range(5):
            assert run(store, queue).status not in TERMINAL
    assert list(store.list(keys.training_attempts(ID))) == []
    assert run(store, queue).status == "succeeded"


def test_three_attempts_without_progress_are_enough(store: Store) -> None:
    for expected in range(3):
        assert attempts.begin(store, ID, 7) == expected
    with pytest.raises(JobFailed, match="no further than update 7"):
        attempts.begin(store, ID, 7)
    assert attempts.begin(store, ID, 8) == 3


def test_a_hopeless_training_fails(store: Store, queue: JobQueue) -> None:
    submit(store)
    for _ in range(3):
        attempts.begin(store, ID, 0)
    training = run(store, queue)
    assert training.status == "failed"
    assert training.error is not None
    assert training.error.code == "job-failed"


def test_a_training_that_is_to_be_evaluated_begins_that_when_it_has_published(store: Store, queue: JobQueue) -> None:
    spec = cartpole_spec(256)
    ask_for_proof(store, ID, EvaluationSpec(env=spec.env, epsilon=(0.1,)))
    submit(store, spec)
    training = run(store, queue)
    assert training.proof is not None
    assert training.proof.evaluation is not None
    evaluation = get_record(store, keys.evaluation_spec(training.proof.evaluation), EvaluationRecord)
    assert (evaluation.policy_id, evaluation.owner) == (training.policy_id, "anna")
    assert not training.proof.is_pending


def test_a_policy_of_any_kind_is_hardened(store: Store, queue: JobQueue) -> None:
    policy = parent("perceptron")
    store.put(keys.policy_model(policy.card.id), policy.model)
    put_record(store, keys.policy_card(policy.card.id), policy.card)
    submit(store, cartpole_spec(512).model_copy(update={"policy_id": policy.card.id}))
    training = run(store, queue)
    assert training.policy_id is not None
    card = get_record(store, keys.policy_card(training.policy_id), PolicyCard)
    assert card.lineage is not None
    assert card.lineage.parent == policy.card.id
    assert load_network(store.get(keys.policy_model(training.policy_id))).observation_shape == (4,)


def test_a_parent_that_was_deleted_ends_the_training(store: Store, queue: JobQueue) -> None:
    submit(store, cartpole_spec(512).model_copy(update={"policy_id": "gone"}))
    training = run(store, queue)
    assert training.error is not None
    assert (training.status, training.error.code) == ("failed", "not-found")


def test_an_environment_that_cannot_be_trained_fails(store: Store, queue: JobQueue) -> None:
    submit(store, TrainingSpec(env=EnvironmentSpec(id="FrozenLake-v1"), config={"steps": 256}))
    training = run(store, queue)
    assert training.status == "failed"
    assert training.error is not None
    assert training.error.code == "unsupported-environment"
