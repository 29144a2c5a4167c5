"""One queued training, run in this process."""

from datetime import UTC, datetime

from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.trainings import Training as TrainingState
from saddlepoint.schemas.trainings import TrainingRecord, TrainingSpec
from saddlepoint.state import load_training
from saddlepoint.store import Store, get_record, put_record
from tests.trainer.cartpole import cartpole_spec
from trainer.build import Machine
from trainer.job import run_job

ID = "training"
UPDATES = 6


def submit(store: Store, spec: TrainingSpec | None = None) -> None:
    record = TrainingRecord(
        id=ID, owner="anna", spec=spec or cartpole_spec(UPDATES * 256), created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    put_record(store, keys.training_spec(ID), record)
    store.put(keys.active_training(ID), b"")


def run(store: Store, queue: JobQueue) -> TrainingState:
    run_job(store, queue, ID, Machine())
    return load_training(store, queue, ID)


def published(store: Store) -> list[str]:
    cards = (get_record(store, key, PolicyCard) for key in store.list("policies/") if key.endswith("card.json"))
    return sorted(card.name or "" for card in cards)
