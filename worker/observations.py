"""Attacks on observations that somebody sent, as chunked work."""

from collections.abc import Callable, Sequence

from saddlepoint.evaluation.observations import (
    attack_chunk,
    from_npz,
    joined,
    read_observations,
    summary_of,
    to_npz,
)
from saddlepoint.queue import Count
from saddlepoint.schemas import keys
from saddlepoint.schemas.observation_attacks import ObservationAttackRecord, resolved, rows_of_chunk
from saddlepoint.work import ATTACK
from worker.chunks import ChunkedWork
from worker.context import Context
from worker.policies import load_card, load_model


def _compute(context: Context, record: ObservationAttackRecord, chunk: int, alive: Callable[[], None]) -> bytes:
    observations = read_observations(context.store.get(keys.job_input(ATTACK.name, record.id)), record.array)
    model, card = load_model(context, record.policy_id), load_card(context, record.policy_id)
    attacked = attack_chunk(model, card, record.spec, observations, chunk, alive=alive)
    attack, rows = resolved(record.spec), rows_of_chunk(record.array.rows, chunk)
    context.queue.tally(Count("attack_steps", (attack.kind,), rows * attack.steps_in_all))
    return attacked


def _fold(context: Context, record: ObservationAttackRecord, chunks: Sequence[bytes]) -> dict[str, bytes]:
    del context
    columns = joined([from_npz(chunk) for chunk in chunks])
    return {
        keys.job_result(ATTACK.name, record.id, "npz"): to_npz(columns),
        keys.job_summary(ATTACK.name, record.id): summary_of(columns).model_dump_json().encode(),
    }


ATTACKS = ChunkedWork(ATTACK, ObservationAttackRecord, _compute, _fold)
