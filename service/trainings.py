"""From a training's specification to an accepted training."""

import json
from datetime import UTC, datetime

from saddlepoint.errors import NotFound
from saddlepoint.generations import newest_generation
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.base import Schema
from saddlepoint.schemas.environments import EnvironmentDescription
from saddlepoint.schemas.policies import PolicyCard, check_compatible
from saddlepoint.schemas.training_config import TrainingConfig
from saddlepoint.schemas.trainings import (
    Training,
    TrainingRecord,
    TrainingSpec,
    check_trainable,
    resolve_config,
    training_id,
)
from saddlepoint.store import Store, find_record
from saddlepoint.submission import submit_training
from saddlepoint.work import TRAINING
from service.idempotency import settle
from service.parsing import parse


class TrainingPage(Schema):
    """A page of trainings, newest first."""

    items: list[Training]
    next_cursor: str | None = None


def read_training_spec(data: bytes) -> TrainingSpec:
    """A specification whose configuration is sound too, and complete. Raises what `parse` raises."""
    spec = parse(TrainingSpec, data, "training")
    parse(TrainingConfig, json.dumps(spec.config).encode(), "training's config")
    resolve_config(spec)
    return spec


def load_training_record(store: Store, wanted: str) -> TrainingRecord:
    """What was asked for, and by whom. Raises NotFound."""
    record = find_record(store, keys.training_spec(wanted), TrainingRecord)
    if record is None:
        raise NotFound(f"There is no training {wanted[:64]}; GET /v1/trainings lists yours.")
    return record


def accept_training(
    store: Store,
    queue: JobQueue,
    owner: str,
    spec: TrainingSpec,
    environment: EnvironmentDescription,
    parent: PolicyCard | None,
    *,
    idempotency_key: str | None = None,
) -> str:
    """Accept a training and return its id: the same specification is the same training. May block.

    Raises InvalidEpsilon, ObservationMismatch, ActionMismatch, IdempotencyConflict and,
    before anything is stored, Unavailable while Redis is away.
    """
    check_trainable(spec, environment)
    if parent is not None:
        check_compatible(parent, environment)
    queue.ping()

    def numbered(generation: int) -> str:
        return training_id(owner, spec, generation)

    newest = newest_generation(store, TRAINING, numbered)
    generation = settle(store, owner, idempotency_key, numbered(0), newest)
    wanted = numbered(generation)
    if not _is_accepted(store, wanted):
        now = datetime.now(UTC)
        record = TrainingRecord(id=wanted, owner=owner, generation=generation, spec=spec, created_at=now)
        submit_training(store, queue, record)
    return wanted


def _is_accepted(store: Store, wanted: str) -> bool:
    """Whether nothing is left to do: the index entry is the last that is stored."""
    record = find_record(store, keys.training_spec(wanted), TrainingRecord)
    return record is not None and store.exists(keys.training_index(record.owner, record.created_at, wanted))
