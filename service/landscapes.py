"""From a landscape's specification to an accepted landscape."""

from datetime import UTC, datetime

from saddlepoint.generations import found_or_submitted
from saddlepoint.queue import JobQueue
from saddlepoint.schemas.environments import EnvironmentDescription
from saddlepoint.schemas.landscapes import (
    LandscapeRecord,
    LandscapeSpec,
    check_surveyable,
    chunk_timeout_s,
    landscape_id,
)
from saddlepoint.store import Store
from saddlepoint.submission import submit_job
from saddlepoint.work import LANDSCAPE
from service.ownership import load_card


def accept_landscape(
    store: Store, queue: JobQueue, owner: str, spec: LandscapeSpec, environment: EnvironmentDescription
) -> str:
    """Accept a landscape and return its id: the same specification is the same landscape. May block.

    Raises NotFound, what `check_surveyable` raises and, before anything is stored, Unavailable while Redis is away.
    """
    for policy_id in spec.policy_ids:
        check_surveyable(spec, load_card(store, owner, policy_id), environment)
    queue.ping()

    def numbered(generation: int) -> str:
        return landscape_id(owner, spec, generation)

    def submit(wanted: str, generation: int) -> None:
        record = LandscapeRecord(
            id=wanted,
            owner=owner,
            generation=generation,
            created_at=datetime.now(UTC),
            chunks=len(spec.policy_ids) * spec.chunks_per_policy,
            chunk_timeout_s=chunk_timeout_s(spec),
            spec=spec.filled(),
            environment=environment,
        )
        submit_job(store, queue, LANDSCAPE, record)

    return found_or_submitted(store, LANDSCAPE, numbered, submit)
