"""From sent observations to an accepted attack on them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from saddlepoint.generations import found_or_submitted
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.observation_attacks import (
    ObservationArray,
    ObservationAttackRecord,
    ObservationAttackSpec,
    attack_id,
    batch_stall_s,
    check_attackable,
    chunk_timeout_s,
    chunks_of,
)
from saddlepoint.store import Store
from saddlepoint.submission import submit_job
from saddlepoint.work import ATTACK
from service.ownership import load_card


@dataclass(frozen=True)
class AttackRequest:
    """Everything that decides what the attack does."""

    owner: str
    policy_id: str
    spec: ObservationAttackSpec
    array: ObservationArray
    sha256: str
    """Of the file of observations."""


def accept_attack(store: Store, queue: JobQueue, request: AttackRequest, observations: Path) -> str:
    """Accept an attack and return its id: the same request is the same attack. May block.

    Raises NotFound, what `check_attackable` raises and, before anything is stored, Unavailable while Redis is away.
    """
    check_attackable(request.spec, request.array, load_card(store, request.owner, request.policy_id))
    queue.ping()

    def numbered(generation: int) -> str:
        return attack_id(request.owner, request.policy_id, request.spec, request.sha256, generation)

    def submit(wanted: str, generation: int) -> None:
        store.put_file(keys.job_input(ATTACK.name, wanted), observations)
        record = ObservationAttackRecord(
            id=wanted,
            owner=request.owner,
            generation=generation,
            created_at=datetime.now(UTC),
            chunks=chunks_of(request.array.rows),
            chunk_timeout_s=chunk_timeout_s(request.spec),
            stall_s=batch_stall_s(request.spec),
            policy_id=request.policy_id,
            spec=request.spec,
            array=request.array,
        )
        submit_job(store, queue, ATTACK, record)

    return found_or_submitted(store, ATTACK, numbered, submit)
