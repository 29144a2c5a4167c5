"""What a training comes to on a disk that is full, without Redis, and beside another attempt at it."""

import errno
import logging
import os
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from saddlepoint.errors import StoreError
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import TERMINAL
from saddlepoint.schemas.trainings import TrainingRecord
from saddlepoint.store import Store, get_record, open_store
from saddlepoint.work import TRAINING, find_terminal
from tests.trainer.jobs import ID, UPDATES, published, run, submit
from trainer import attempts, checkpoint, job, stored
from trainer.build import Machine, build_training
from trainer.curve import UpdateRecord
from trainer.job import _Attempt, run_job
from trainer.pace import Every
from trainer.publish import make_policy
from trainer.training import Training

After = Callable[[_Attempt, UpdateRecord], object]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after every update, and no waiting."""
    monkeypatch.setattr(job, "CHECKPOINT_S", 0.0)
    monkeypatch.setattr(job, "CURVE_S", 0.0)


def before_keeping(monkeypatch: pytest.MonkeyPatch, action: After) -> None:
    """Let something happen after each update, before anything of it is stored."""
    keep = _Attempt.keep

    def act_and_keep(self: _Attempt, training: Training, update: UpdateRecord) -> None:
        action(self, update)
        keep(self, training, update)

    monkeypatch.setattr(_Attempt, "keep", act_and_keep)


class Disk:
    """Full or not: what is written to it is synced before it counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self._sync = os.fsync
        monkeypatch.setattr(os, "fsync", self.sync)

    def sync(self, descriptor: int) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "injected")
        self._sync(descriptor)


def expected_policy(tmp_path: Path, queue: JobQueue) -> str | None:
    undisturbed = open_store(str(tmp_path / "undisturbed"))
    submit(undisturbed)
    return run(undisturbed, queue).policy_id


def test_a_training_goes_on_while_the_disk_is_full_and_loses_nothing(
    store: Store, queue: JobQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = expected_policy(tmp_path, queue)
    submit(store)
    disk = Disk(monkeypatch)
    half_way = -(-UPDATES // 2)
    before_keeping(monkeypatch, lambda _, update: setattr(disk, "full", half_way - 1 <= update.update <= half_way + 1))
    with caplog.at_level(logging.WARNING):
        training = run(store, queue)
    assert training.policy_id == expected
    assert published(store) == ["", "standard (middle)"]
    assert [point.update for point in training.progress.curve] == list(range(1, UPDATES + 1))
    assert len(list(store.list(keys.training_attempts(ID)))) == 1
    assert "No space left on device" in caplog.text


def test_no_checkpoint_is_put_while_something_before_it_is_missing(
    store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a resumed training would never publish the policy half way."""
    submit(store)
    settle = stored.settle

    def fail_half_way(store: Store, training_id: str, stage: str, policy: bytes) -> bytes:
        if stage == "middle":
            raise StoreError("The disk is full.")
        return settle(store, training_id, "final", policy)

    with monkeypatch.context() as patch:
        patch.setattr(stored, "settle", fail_half_way)
        patch.setattr(job, "PATIENCE_S", 0.0)
        assert run(store, queue).status not in TERMINAL
    newest = stored.newest_checkpoint(store, ID)
    assert newest is not None
    assert checkpoint.read_update(newest) < -(-UPDATES // 2)
    assert list(store.list(keys.training_attempts(ID))) == []
    assert run(store, queue).status == "succeeded"
    assert published(store) == ["", "standard (middle)"]


def test_a_training_that_is_done_waits_for_its_store(
    store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(store)
    disk, naps = Disk(monkeypatch), []
    before_keeping(monkeypatch, lambda _, update: setattr(disk, "full", update.update == UPDATES))

    def nap(seconds: float) -> None:
        naps.append(seconds)
        disk.full = len(naps) < 3

    monkeypatch.setattr("trainer.job.time.sleep", nap)
    assert run(store, queue).status == "succeeded"
    assert len(naps) == 3
    assert list(store.list(keys.training_attempts(ID))) == [keys.training_attempt(ID, 0)]


@pytest.mark.parametrize("update_s", [10.0, 100.0, 170.0])
def test_a_crash_costs_at_most_five_minutes(
    store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch, update_s: float
) -> None:
    monkeypatch.undo()
    now, times = [0.0], [0.0]
    monkeypatch.setattr(job, "Every", partial(Every, clock=lambda: now[0]))
    before_keeping(monkeypatch, lambda _, update: now.__setitem__(0, now[0] + update_s))
    put = stored.put_checkpoint

    def put_and_note(store: Store, training_id: str, update: int, attempt: int, checkpoint: bytes) -> None:
        put(store, training_id, update, attempt, checkpoint)
        times.append(now[0])

    monkeypatch.setattr(stored, "put_checkpoint", put_and_note)
    submit(store)
    run(store, queue)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert times[-1] == UPDATES * update_s
    assert 0 < max(gaps) <= 300


def test_a_training_needs_no_redis(store: Store, tmp_path: Path) -> None:
    submit(store)
    run_job(store, JobQueue.open(f"unix://{tmp_path}/nobody"), ID, Machine())
    terminal = find_terminal(store, TRAINING, ID)
    assert terminal is not None
    assert terminal.status == "succeeded"
    assert published(store) == ["", "standard (middle)"]


def test_an_attempt_that_was_taken_over_from_writes_nothing_more(
    store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(store)
    before_keeping(monkeypatch, lambda _, update: update.update == 3 and attempts.begin(store, ID, 2))
    run_job(store, queue, ID, Machine())
    assert list(store.list(keys.training_checkpoints(ID))) == [
        keys.training_checkpoint(ID, update, 0) for update in (1, 2)
    ]
    assert published(store) == []
    assert find_terminal(store, TRAINING, ID) is None


def test_an_attempt_that_is_taken_over_from_at_its_end_does_not_publish(
    store: Store, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(store)
    finish = _Attempt.finish

    def be_taken_for_dead(self: _Attempt, training: Training) -> str:
        attempts.begin(store, ID, UPDATES)
        return finish(self, training)

    monkeypatch.setattr(_Attempt, "finish", be_taken_for_dead)
    run_job(store, queue, ID, Machine())
    assert published(store) == ["standard (middle)"]
    assert find_terminal(store, TRAINING, ID) is None


def test_two_attempts_with_different_weights_publish_one_policy(store: Store, queue: JobQueue) -> None:
    """As on two machines, whose sums differ in the last bits: the other one put its weights a moment before."""
    submit(store)
    spec = get_record(store, keys.training_spec(ID), TrainingRecord).spec
    theirs = build_training(spec)
    theirs.update = UPDATES
    store.put(keys.training_policy(ID, "final"), checkpoint.policy_to_bytes(theirs, spec))
    assert run(store, queue).policy_id == make_policy(theirs, spec, owner="anna", name=None).card.id
    assert published(store) == ["", "standard (middle)"]


def test_a_checkpoint_that_vanishes_while_it_is_looked_for_is_one_that_a_newer_replaced(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.put_checkpoint(store, ID, 1, 0, b"old")
    get = store.get

    def get_late(key: str) -> bytes:
        for update in (2, 3, 4):
            stored.put_checkpoint(store, ID, update, 1, b"new")
        return get(key)

    monkeypatch.setattr(store, "get", get_late)
    assert stored.newest_checkpoint(store, ID) == b"new"


def test_a_checkpoint_is_kept_even_beside_newer_ones(store: Store) -> None:
    for update in (90, 100):
        stored.put_checkpoint(store, ID, update, 0, b"theirs")
    stored.put_checkpoint(store, ID, 10, 1, b"ours")
    assert list(store.list(keys.training_checkpoints(ID))) == [
        keys.training_checkpoint(ID, 10, 1),
        keys.training_checkpoint(ID, 100, 0),
    ]


def test_damaged_checkpoints_are_passed_over_and_deleted(store: Store, tmp_path: Path) -> None:
    """An attempt that was stopped on purpose leaves its number to the next one, which puts the same checkpoint."""
    for update in (90, 100):
        stored.put_checkpoint(store, ID, update, 0, b"first")
    damaged = tmp_path / "store" / keys.training_checkpoint(ID, 100, 0)
    damaged.write_bytes(b"x" + damaged.read_bytes()[1:])
    assert stored.newest_checkpoint(store, ID) == b"first"
    assert list(store.list(keys.training_checkpoints(ID))) == [keys.training_checkpoint(ID, 90, 0)]
    stored.put_checkpoint(store, ID, 100, 0, b"second")
    assert stored.newest_checkpoint(store, ID) == b"second"
