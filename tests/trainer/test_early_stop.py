"""A training ends once its games score what was asked for, and says after how many steps that was."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.training_config import TrainingConfig
from saddlepoint.schemas.trainings import TrainingRecord, TrainingSpec
from saddlepoint.state import load_training
from saddlepoint.store import get_record, open_store, put_record
from tests.trainer.cartpole import cartpole_spec
from trainer import checkpoint, curve, run
from trainer.build import Machine, build_training
from trainer.job import run_job
from trainer.ppo import start, train

LONG = 20 * 256
GOOD = 24.0


def spec_of(stop_at_return: float | None, steps: int = LONG) -> TrainingSpec:
    """Learns so slowly that games stay short: a hundred of them take about ten updates."""
    return cartpole_spec(steps, learning_rate=3e-4, anneal=False, epochs=1, stop_at_return=stop_at_return)


def updates(stop_at_return: float | None, steps: int = LONG) -> list[curve.UpdateRecord]:
    training = build_training(spec_of(stop_at_return, steps))
    start(training)
    return list(train(training))


def test_a_training_stops_in_the_first_update_whose_last_hundred_games_score_enough() -> None:
    whole = updates(None)
    expected = next(r.update for r in whole if r.games >= 100 and r.mean_return is not None and r.mean_return >= GOOD)
    stopped = updates(GOOD)
    assert len(stopped) == expected < len(whole)
    assert stopped[-1].mean_return == whole[expected - 1].mean_return


def test_a_hundred_games_are_waited_for() -> None:
    last = updates(0.0)[-1]
    assert last.games >= 100
    assert updates(0.0, steps=(last.update - 1) * 256)[-1].games < 100


def test_a_return_out_of_reach_changes_nothing() -> None:
    assert updates(1e9, 512)[-1].steps == 512


def test_a_resumed_training_stops_where_it_would_have() -> None:
    spec = spec_of(GOOD)
    training = build_training(spec)
    start(training)
    saved = [checkpoint.to_bytes(training, spec) for _ in train(training)]
    last = training.update
    for update in (last - 1, last):
        resumed = build_training(spec)
        checkpoint.restore(resumed, saved[update - 1], spec)
        assert [record.update for record in train(resumed)] == list(range(update + 1, last + 1))


def test_a_stopped_job_publishes_and_says_how_many_steps_were_made(tmp_path: Path, redis_url: str) -> None:
    store, queue = open_store(str(tmp_path)), JobQueue.open(redis_url)
    spec = spec_of(GOOD)
    put_record(
        store, keys.training_spec("t"), TrainingRecord(id="t", owner="anna", spec=spec, created_at=datetime.now(UTC))
    )
    run_job(store, queue, "t", Machine())
    training = load_training(store, queue, "t")
    assert training.status == "succeeded"
    assert training.policy_id is not None
    lineage = get_record(store, keys.policy_card(training.policy_id), PolicyCard).lineage
    assert lineage is not None
    assert lineage.steps == training.progress.steps_done == updates(GOOD)[-1].steps < LONG


def test_a_stopped_run_has_its_last_checkpoint_and_nothing_left_to_do(tmp_path: Path) -> None:
    spec = spec_of(GOOD)
    first = run.train_in_folder(spec, tmp_path, Machine())
    assert checkpoint.read_update((tmp_path / run.CHECKPOINT).read_bytes()) == first.update < 20
    assert run.train_in_folder(spec, tmp_path, Machine()).update == first.update
    assert len(curve.read(tmp_path / run.CURVE)) == first.update


def test_a_return_to_stop_at_is_a_number() -> None:
    with pytest.raises(ValidationError):
        TrainingConfig(stop_at_return=float("nan"))
