"""How evaluations and trainings begin: stored in full first, queued after; whoever does it, and however often."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from saddlepoint.errors import Unavailable
from saddlepoint.logs import working_on
from saddlepoint.queue import CHUNK, FINISH, SHARD, TRAIN, JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import EvaluationRecord
from saddlepoint.schemas.jobs import JobRecord
from saddlepoint.schemas.plans import Plan, Shard
from saddlepoint.schemas.trainings import TrainingRecord
from saddlepoint.store import Store, find_record, get_record, put_record
from saddlepoint.work import EVALUATION, TRAINING, Work

_FINISH_TIMEOUT_S = 2 * 3600
_TRAINING_TIMEOUT_S = 60 * 24 * 3600
_SHORTEST_TIMEOUT_S = 3600
_STEP_S = 0.05
"""Of one lane and gradient, many times what is needed: the deadline ends what never ends, not what is slow."""
_UNBOUNDED_STEPS = 100_000

_log = logging.getLogger(__name__)


def submit_evaluation(store: Store, queue: JobQueue, record: EvaluationRecord, plan: Plan | None) -> EvaluationRecord:
    """Accept an evaluation; without a plan the reconciler makes it once the policy is there.

    After this it will be done whatever fails. Returns the record that stands, which is an earlier one where the same
    evaluation was submitted before.
    """
    # The marker comes first: an evaluation without one would be forgotten, a marker without one is swept.
    store.put(keys.active_evaluation(record.id), record.created_at.isoformat().encode())
    put_record(store, keys.evaluation_spec(record.id), record)
    stored = get_record(store, keys.evaluation_spec(record.id), EvaluationRecord)
    if plan is not None:
        put_record(store, keys.evaluation_plan(record.id), plan)
        put_record(store, keys.evaluation_plan_summary(record.id), plan.summary)
    store.put(keys.evaluation_index(stored.owner, stored.created_at, stored.id), b"")
    with working_on(kind=EVALUATION.name, id=stored.id):
        _log.info("evaluation %s %s", stored.id, _prospect(stored, plan))
        if plan is not None:
            with _left_to_the_reconciler(f"evaluation {stored.id}"):
                enqueue_shards(queue, plan, plan.shards)
    return stored


def _prospect(record: EvaluationRecord, plan: Plan | None) -> str:
    if plan is None:
        return f"waits for its policy {record.policy_id}, which is upload {record.upload_id}"
    return f"of policy {record.policy_id} is planned: {plan.episodes_planned} episodes in {len(plan.shards)} shards"


def evaluation_is_accepted(store: Store, evaluation_id: str) -> bool:
    """Whether nothing but a plan is left to submit: the index entry is the last that is stored."""
    record = find_record(store, keys.evaluation_spec(evaluation_id), EvaluationRecord)
    return record is not None and store.exists(keys.evaluation_index(record.owner, record.created_at, evaluation_id))


def submit_training(store: Store, queue: JobQueue, record: TrainingRecord) -> TrainingRecord:
    """Accept a training, likewise."""
    store.put(keys.active_training(record.id), record.created_at.isoformat().encode())
    put_record(store, keys.training_spec(record.id), record)
    stored = get_record(store, keys.training_spec(record.id), TrainingRecord)
    store.put(keys.training_index(stored.owner, stored.created_at, stored.id), b"")
    with working_on(kind=TRAINING.name, id=stored.id):
        _log.info("training %s by %s is accepted", stored.id, stored.spec.method)
        with _left_to_the_reconciler(f"training {stored.id}"):
            enqueue_training(queue, stored.id)
    return stored


def training_is_accepted(store: Store, training_id: str) -> bool:
    """Whether nothing is left to submit, likewise."""
    record = find_record(store, keys.training_spec(training_id), TrainingRecord)
    return record is not None and store.exists(keys.training_index(record.owner, record.created_at, training_id))


def submit_job(store: Store, queue: JobQueue, work: Work, record: JobRecord) -> None:
    """Accept work that is made of chunks, likewise; what was sent beside it must be stored already."""
    store.put(work.active(record.id), record.created_at.isoformat().encode())
    put_record(store, work.spec(record.id), record)
    with working_on(kind=work.name, id=record.id):
        _log.info("%s %s is accepted: %d chunks", work.name, record.id, record.chunks)
        with _left_to_the_reconciler(f"{work.name} {record.id}"):
            enqueue_chunks(queue, work, record, range(record.chunks))


@contextmanager
def _left_to_the_reconciler(what: str) -> Iterator[None]:
    try:
        yield
    except Unavailable:
        _log.warning("%s is stored, but Redis is away; the reconciler will queue it", what)


def enqueue_training(queue: JobQueue, training_id: str) -> None:
    """Queue a training unless it waits or runs. Raises Unavailable."""
    queue.enqueue(TRAIN, training_id, timeout_s=_TRAINING_TIMEOUT_S)


def enqueue_chunks(queue: JobQueue, work: Work, record: JobRecord, chunks: Iterable[int]) -> None:
    """Queue chunks that neither wait nor run. Raises Unavailable."""
    for chunk in chunks:
        queue.enqueue(CHUNK, work.name, record.id, str(chunk), timeout_s=record.chunk_timeout_s, first=work.is_urgent)


def enqueue_shards(queue: JobQueue, plan: Plan, shards: Iterable[Shard]) -> None:
    """Queue shards that neither wait nor run. Raises Unavailable."""
    for shard in shards:
        queue.enqueue(SHARD, plan.evaluation_id, str(shard.index), timeout_s=shard_timeout_s(plan, shard))


def enqueue_finish(queue: JobQueue, evaluation_id: str) -> None:
    """Queue the report, before all shards, unless it waits or is being made. Raises Unavailable."""
    queue.enqueue(FINISH, evaluation_id, timeout_s=_FINISH_TIMEOUT_S, first=True)


def shard_timeout_s(plan: Plan, shard: Shard) -> float:
    """When a shard must be done at the latest, from the longest that its episodes may be."""
    limits = (plan.max_episode_steps, plan.environment.max_episode_steps)
    steps = min((limit for limit in limits if limit is not None), default=_UNBOUNDED_STEPS)
    rounds = -(-len(shard.entries) // shard.lanes)
    gradients = 1 + max((plan.cells[entry.cell].attack.steps for entry in shard.entries), default=0)
    return _SHORTEST_TIMEOUT_S + rounds * steps * shard.lanes * gradients * _STEP_S
