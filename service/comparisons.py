"""From a comparison's specification to an accepted comparison."""

from saddlepoint.comparing import submit_comparison
from saddlepoint.errors import NotFound
from saddlepoint.queue import JobQueue
from saddlepoint.schemas.comparisons import ComparisonSpec
from saddlepoint.state import load_record
from saddlepoint.store import Store


def accept_comparison(store: Store, queue: JobQueue, owner: str, spec: ComparisonSpec) -> str:
    """Accept a comparison and return its id: the same specification is the same comparison. May block.

    Raises NotFound, also for evaluations of somebody else, Conflict, NotComparable and, before anything is stored,
    Unavailable while Redis is away.
    """
    for evaluation_id in (*spec.baseline, *spec.candidate):
        if load_record(store, evaluation_id).owner != owner:
            raise NotFound(f"There is no evaluation {evaluation_id}; GET /v1/evaluations lists yours.")
    queue.ping()
    return submit_comparison(store, queue, owner, spec)
