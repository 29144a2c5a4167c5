"""From a specification to an accepted evaluation."""

from dataclasses import dataclass
from datetime import UTC, datetime

from saddlepoint.generations import newest_generation
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentDescription
from saddlepoint.schemas.evaluations import (
    EvaluationRecord,
    EvaluationSpec,
    Precision,
    evaluation_id,
    spec_hash,
)
from saddlepoint.schemas.plans import Plan, make_plan
from saddlepoint.schemas.policies import PolicyCard, check_compatible
from saddlepoint.store import Store
from saddlepoint.submission import evaluation_is_accepted, submit_evaluation
from saddlepoint.work import EVALUATION
from service.idempotency import settle
from service.quotas import Quotas


@dataclass(frozen=True)
class EvaluationRequest:
    """Everything that decides what an evaluation is; `card` is None while the policy is still being validated."""

    owner: str
    spec: EvaluationSpec
    environment: EnvironmentDescription
    policy_id: str
    card: PolicyCard | None
    upload_id: str | None = None
    idempotency_key: str | None = None
    parent: str | None = None
    lanes: int | None = None
    """Of the parent."""


def accept_evaluation(
    store: Store, queue: JobQueue, quotas: Quotas, request: EvaluationRequest, *, default_precision: Precision
) -> str:
    """Accept an evaluation and return its id: the same request is the same evaluation. May block.

    Raises ObservationMismatch, ActionMismatch, IdempotencyConflict, QuotaExceeded and, before anything is
    stored, Unavailable while Redis is away.
    """
    if request.card is not None:
        check_compatible(request.card, request.environment)
    queue.ping()
    meaning = _meaning(request)
    generation = _generation(store, request, meaning)
    wanted = evaluation_id(request.owner, meaning, generation)
    if not _is_accepted(store, wanted, planned=request.card is not None):
        record = _record(request, wanted, generation)
        with quotas.admitting(request.owner, request.spec):
            submit_evaluation(store, queue, record, _plan(record, request, default_precision))
    return wanted


def plan_of(request: EvaluationRequest, *, default_precision: Precision) -> Plan:
    """The plan that a request for a known policy comes to; nothing is stored.

    Raises ObservationMismatch, ActionMismatch, and what `make_plan` raises.
    """
    assert request.card is not None, "there is no plan without a card"
    check_compatible(request.card, request.environment)
    record = _record(request, "planned", 0)
    return make_plan(record, request.card, request.environment, default_precision=default_precision)


def find_same(store: Store, request: EvaluationRequest) -> str | None:
    """The id of the same evaluation, where it goes on or has succeeded."""
    meaning = _meaning(request)

    def numbered(generation: int) -> str:
        return evaluation_id(request.owner, meaning, generation)

    newest = numbered(newest_generation(store, EVALUATION, numbered))
    return newest if store.exists(EVALUATION.spec(newest)) else None


def _meaning(request: EvaluationRequest) -> str:
    return spec_hash(request.spec, request.policy_id, parent=request.parent, lanes=request.lanes)


def _record(request: EvaluationRequest, wanted: str, generation: int) -> EvaluationRecord:
    return EvaluationRecord(
        id=wanted,
        owner=request.owner,
        generation=generation,
        policy_id=request.policy_id,
        upload_id=request.upload_id,
        spec=request.spec.model_copy(update={"policy_id": request.policy_id}),
        created_at=datetime.now(UTC),
        parent=request.parent,
        lanes=request.lanes,
    )


def _plan(record: EvaluationRecord, request: EvaluationRequest, default_precision: Precision) -> Plan | None:
    if request.card is None:
        return None
    return make_plan(record, request.card, request.environment, default_precision=default_precision)


def _generation(store: Store, request: EvaluationRequest, meaning: str) -> int:
    """The newest generation, or the one that an idempotency key has stood for since its first use."""

    def numbered(generation: int) -> str:
        return evaluation_id(request.owner, meaning, generation)

    newest = newest_generation(store, EVALUATION, numbered)
    return settle(store, request.owner, request.idempotency_key, meaning, newest)


def _is_accepted(store: Store, wanted: str, *, planned: bool) -> bool:
    """Whether nothing is left to do."""
    is_planned = not planned or store.exists(keys.evaluation_plan_summary(wanted))
    return is_planned and evaluation_is_accepted(store, wanted)
