"""From a training's specification to an accepted training."""

import json
from datetime import UTC, datetime

from saddlepoint.errors import NotFound
from saddlepoint.generations import newest_generation
from saddlepoint.hiccups import left_to_the_reconciler
from saddlepoint.proof import ask_for_proof, bring_on_proof
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.applicability import check_applicable, scale_of, shared_mode
from saddlepoint.schemas.base import Schema
from saddlepoint.schemas.environments import EnvironmentDescription
from saddlepoint.schemas.evaluations import EvaluationSpec, Precision
from saddlepoint.schemas.hardening import check_hardenable
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
from saddlepoint.submission import submit_training, training_is_accepted
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
    default_precision: Precision,
    idempotency_key: str | None = None,
) -> str:
    """Accept a training and return its id: the same specification is the same training. May block.

    Raises UnsupportedEnvironment, InvalidSpec, UnsupportedArchitecture, ObservationMismatch, ActionMismatch,
    IdempotencyConflict, what is wrong with its `evaluation`, Conflict where it is there with another one and, before
    anything is stored, Unavailable while Redis is away.
    """
    check_trainable(spec, environment)
    if parent is not None:
        check_hardenable(parent)
        check_compatible(parent, environment)
    evaluation = _decided(spec.evaluation, parent, environment, default_precision)
    queue.ping()

    def numbered(generation: int) -> str:
        return training_id(owner, spec, generation)

    newest = newest_generation(store, TRAINING, numbered)
    generation = settle(store, owner, idempotency_key, numbered(0), newest)
    wanted = numbered(generation)
    if evaluation is not None:
        ask_for_proof(store, wanted, evaluation)
    if not training_is_accepted(store, wanted):
        now, trained = datetime.now(UTC), spec.model_copy(update={"evaluation": None})
        record = TrainingRecord(id=wanted, owner=owner, generation=generation, spec=trained, created_at=now)
        submit_training(store, queue, record)
    if evaluation is not None:
        with left_to_the_reconciler(f"the proof of training {wanted}"):
            bring_on_proof(store, queue, wanted)
    return wanted


def _decided(
    evaluation: EvaluationSpec | None,
    parent: PolicyCard | None,
    environment: EnvironmentDescription,
    default_precision: Precision,
) -> EvaluationSpec | None:
    """The evaluation without what a policy or a machine would decide, so that parent and child get the same one.

    Raises UnsupportedAttack and InvalidEpsilon where the parent cannot be evaluated so.
    """
    if evaluation is None:
        return None
    decided = evaluation.model_copy(update={"precision": evaluation.precision or default_precision})
    if parent is None:
        return decided
    check_applicable(decided.filled(), parent, environment)
    mode = decided.action_mode or shared_mode(parent)
    return decided.model_copy(update={"epsilon_scale": scale_of(decided, parent), "action_mode": mode})
