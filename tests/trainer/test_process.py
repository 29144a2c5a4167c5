"""The trainer as the process that it is in production."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.trainings import Training, TrainingRecord
from saddlepoint.state import load_training
from saddlepoint.store import Store, open_store
from saddlepoint.submission import submit_training
from tests.processes import REPOSITORY, kill_all
from tests.trainer.cartpole import cartpole_spec
from tests.trainer.trainer_process import HELD_AFTER

ID = "training"
UPDATES = 6
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def start(tmp_path: Path, redis_url: str) -> Iterator[Start]:
    """Starts trainers by the name of their module, which end with the test."""
    environment = os.environ | {"SADDLEPOINT_STORE_URL": str(tmp_path / "store"), "SADDLEPOINT_REDIS_URL": redis_url}
    started: list[subprocess.Popen[bytes]] = []

    def start_one(module: str = "trainer") -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-m", module], env=environment, cwd=REPOSITORY))
        return started[-1]

    yield start_one
    for process in started:
        kill_all(process)


def submit(store: Store, queue: JobQueue, steps: int) -> None:
    record = TrainingRecord(id=ID, owner="anna", spec=cartpole_spec(steps), created_at=datetime.now(UTC))
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
    trainer = start("tests.trainer.trainer_process")
    wait(store, queue, lambda training: training.progress.steps_done == HELD_AFTER * 256, 120)
    (horse,) = psutil.Process(trainer.pid).children()
    horse.kill()
    training = wait(store, queue, lambda training: training.finished_at is not None, 120)
    assert training.status == "succeeded"
    assert [point.update for point in training.progress.curve] == list(range(1, UPDATES + 1))
    assert len(list(store.list(keys.training_attempts(ID)))) == 2
