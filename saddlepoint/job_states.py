"""What work made of chunks looks like from outside; see `state`."""

from typing import Any, TypeVar

from saddlepoint.errors import NotFound
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.comparisons import Comparison, ComparisonRecord, ComparisonSummary
from saddlepoint.schemas.jobs import JobProgress, JobRecord
from saddlepoint.schemas.landscapes import Landscape, LandscapeRecord, LandscapeSummaries
from saddlepoint.schemas.observation_attacks import AttackSummary, ObservationAttack, ObservationAttackRecord
from saddlepoint.store import Store, find_record
from saddlepoint.work import ATTACK, COMPARISON, LANDSCAPE, Work, find_terminal

Record = TypeVar("Record", bound=JobRecord)


def load_job_record(store: Store, work: Work, job_id: str, schema: type[Record]) -> Record:
    """What was asked for, and by whom. Raises NotFound."""
    record = find_record(store, work.spec(job_id), schema)
    if record is None:
        raise NotFound(f"There is no {work.name} {job_id[:64]}; it is made by POST /v1/{work.name}s.")
    return record


def load_attack(store: Store, queue: JobQueue, record: ObservationAttackRecord) -> ObservationAttack:
    """An attack on sent observations as it is now, without links. Raises Unavailable while Redis is away."""
    return ObservationAttack(
        **_common(store, queue, ATTACK, record),
        policy_id=record.policy_id,
        spec=record.spec,
        array=record.array,
        summary=find_record(store, keys.job_summary(ATTACK.name, record.id), AttackSummary),
    )


def load_landscape(store: Store, queue: JobQueue, record: LandscapeRecord) -> Landscape:
    """A landscape as it is now, likewise."""
    found = find_record(store, keys.job_summary(LANDSCAPE.name, record.id), LandscapeSummaries)
    return Landscape(
        **_common(store, queue, LANDSCAPE, record), spec=record.spec, summary=found.policies if found else []
    )


def load_comparison(store: Store, queue: JobQueue, record: ComparisonRecord) -> Comparison:
    """A comparison as it is now, likewise."""
    found = find_record(store, keys.job_summary(COMPARISON.name, record.id), ComparisonSummary)
    return Comparison(
        **_common(store, queue, COMPARISON, record), spec=record.spec, verdict=found.verdict if found else None
    )


def _common(store: Store, queue: JobQueue, work: Work, record: JobRecord) -> dict[str, Any]:
    terminal = find_terminal(store, work, record.id)
    done = sum(1 for _ in store.list(keys.job_chunks(work.name, record.id)))
    return {
        "id": record.id,
        "status": terminal.status if terminal else queue.progress(record.id).phase,
        "created_at": record.created_at,
        "finished_at": terminal.finished_at if terminal else None,
        "progress": JobProgress(done=done, planned=record.chunks),
        "error": terminal.error if terminal else None,
    }
