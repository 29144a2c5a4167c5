"""The trainer as the process that it is in production."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
import redis

from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.trainings import Training, TrainingRecord
from saddlepoint.state import load_training
from saddlepoint.store import Store, open_store
from saddlepoint.submission import submit_training
from tests.processes import REPOSITORY, is_running, kill, kill_all, wait_until
from tests.trainer import jobs
from tests.trainer.cartpole import any_method
from tests.trainer.jobs import ID, UPDATES, published
from tests.trainer.trainer_process import HELD_AFTER

TRAINER = ("tests.trainer.trainer_process",)
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path, redis_url: str) -> Iterator[Start]:
    """Starts trainers and other modules, which end with the test."""
    environment = os.environ | {"SADDLEPOINT_STORE_URL": str(tmp_path / "store"), "SADDLEPOINT_REDIS_URL": redis_url}
    environment |= {"SADDLEPOINT_RECONCILE_INTERVAL_S": "1"}
    started: list[subprocess.Popen[bytes]] = []

    def start_one(*command: str) -> subprocess.Popen[bytes]:
        started.append(
            subprocess.Popen([sys.executable, "-m", *(command or ("trainer",))], env=environment, cwd=REPOSITORY)
        )
        return started[-1]

    yield start_one
    for process in started:
        kill_all(process)


def submit(store: Store, queue: JobQueue, steps: int, method: str = "standard") -> None:
    record = TrainingRecord(id=ID, owner="anna", spec=any_method(method, steps), created_at=datetime.now(UTC))
    submit_training(store, queue, record)


def wait(store: Store, queue: JobQueue, wanted: Callable[[Training], bool], seconds: float) -> Training:
    deadline = time.monotonic() + seconds
    while not wanted(training := load_training(store, queue, ID)):
        assert time.monotonic() < deadline, training.status
        time.sleep(0.1)
    return training


def test_a_submitted_training_is_done_by_a_trainer(store: Store, redis_url: str, start: Start) -> None:
    queue = JobQueue.open(redis_url)
    submit(store, queue, 1024)
    start()
    training = wait(store, queue, lambda training: training.finished_at is not None, 120)
    assert training.status == "succeeded"
    assert training.policy_id is not None
    assert store.exists(keys.policy_card(training.policy_id))


def test_a_trainer_stops_at_once_and_without_an_error(start: Start, store: Store, redis_url: str) -> None:
    queue = JobQueue.open(redis_url)
    submit(store, queue, 10_000_000)
    trainer = start()
    wait(store, queue, lambda training: training.status in ("starting", "processing"), 120)
    trainer.send_signal(signal.SIGTERM)
    assert trainer.wait(timeout=60) == 0


def test_a_training_survives_kill_9_of_its_process(store: Store, redis_url: str, start: Start) -> None:
    queue = JobQueue.open(redis_url)
    submit(store, queue, UPDATES * 256)
    trainer = start(*TRAINER, "hold")
    wait(store, queue, lambda training: training.progress.steps_done == HELD_AFTER * 256, 120)
    (horse,) = psutil.Process(trainer.pid).children()
    horse.kill()
    training = wait(store, queue, lambda training: training.finished_at is not None, 120)
    assert training.status == "succeeded"
    assert [point.update for point in training.progress.curve] == list(range(1, UPDATES + 1))
    assert len(list(store.list(keys.training_attempts(ID)))) == 2


def test_a_worker_that_dies_three_times_without_progress_ends_the_training(
    store: Store, redis_url: str, start: Start
) -> None:
    queue = JobQueue.open(redis_url)
    submit(store, queue, UPDATES * 256)
    start(*TRAINER, "hopeless")
    training = wait(store, queue, lambda training: training.finished_at is not None, 120)
    assert training.status == "failed"
    assert training.error is not None
    assert training.error.detail is not None
    assert "came no further than update 0 the last 3 times" in training.error.detail
    assert len(list(store.list(keys.training_attempts(ID)))) == 3
    assert published(store) == []


def test_a_training_ends_as_it_would_have_after_redis_lost_everything(
    store: Store, redis_url: str, start: Start
) -> None:
    queue = JobQueue.open(redis_url)
    submit(store, queue, UPDATES * 256)
    trainer = start(*TRAINER, "hold")
    start("worker.reconciler")
    wait(store, queue, lambda training: training.progress.steps_done == HELD_AFTER * 256, 120)
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    (horse,) = psutil.Process(trainer.pid).children()
    horse.kill()
    training = wait(store, queue, lambda training: training.finished_at is not None, 120)
    assert training.status == "succeeded"
    assert [point.update for point in training.progress.curve] == list(range(1, UPDATES + 1))
    assert published(store) == ["", "standard (middle)"]


KILLS = 5


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("method", ["standard", "atpa"])
def test_a_trainer_killed_again_and_again_publishes_what_an_undisturbed_one_does(
    store: Store, redis_url: str, start: Start, tmp_path: Path, method: str
) -> None:
    steps, chance = 150 * 256, random.Random(0)
    undisturbed, queue = open_store(str(tmp_path / "undisturbed")), JobQueue.open(redis_url)
    jobs.submit(undisturbed, any_method(method, steps))
    expected = jobs.run(undisturbed, queue)
    submit(store, queue, steps, method)
    start("worker.reconciler")
    trainer = start(*TRAINER, "steady")
    for _ in range(KILLS):
        before = newest(store)
        wait_until(lambda: newest(store) > before, within_s=120, what="progress")  # noqa: B023
        time.sleep(chance.random())
        # A trainer whose horse was killed a moment ago may have none yet; then it is its own turn.
        victims = [horse.pid for horse in horses(trainer) if chance.random() < 0.5] or [trainer.pid]
        assert [victim for victim in victims if kill(victim)], "nothing was there to be killed"
        if victims == [trainer.pid]:
            trainer = start(*TRAINER, "steady")
    training = wait(store, queue, lambda training: training.finished_at is not None, 240)
    assert training.status == "succeeded"
    assert training.policy_id == expected.policy_id
    assert published(store) == published(undisturbed) == ["", f"{method} (middle)"]
    assert [point.update for point in training.progress.curve] == list(range(1, 151))
    # A trainer that is killed before its next horse has begun costs no attempt of its own.
    assert len(list(store.list(keys.training_attempts(ID)))) > KILLS // 2


def newest(store: Store) -> str:
    """The last checkpoint by its key, which begins with its update."""
    return max(store.list(keys.training_checkpoints(ID)), default="")


def horses(trainer: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    return [child for child in psutil.Process(trainer.pid).children() if is_running(child.pid)]
