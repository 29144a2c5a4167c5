"""From a comparison's specification to an accepted comparison."""

import json

from saddlepoint.comparing import submit_comparison
from saddlepoint.errors import NotFound
from saddlepoint.queue import JobQueue
from saddlepoint.schemas.comparisons import AnyComparisonSpec, ComparisonSpec, GroupsSpec
from saddlepoint.state import load_record
from saddlepoint.store import Store
from service.parsing import parse


def read_comparison_spec(data: bytes) -> AnyComparisonSpec:
    """Two sides, or groups by name. Raises what `parse` raises."""
    if _names_groups(data):
        return parse(GroupsSpec, data, "comparison")
    return parse(ComparisonSpec, data, "comparison")


def _names_groups(data: bytes) -> bool:
    try:
        return "groups" in json.loads(data)
    except (ValueError, TypeError, RecursionError):  # `parse` says what is wrong with it
        return False


def accept_comparison(store: Store, queue: JobQueue, owner: str, spec: AnyComparisonSpec) -> str:
    """Accept a comparison and return its id: the same specification is the same comparison. May block.

    Raises NotFound, also for evaluations of somebody else, Conflict, NotComparable and, before anything is stored,
    Unavailable while Redis is away.
    """
    for evaluation_id in spec.evaluations:
        if load_record(store, evaluation_id).owner != owner:
            raise NotFound(f"There is no evaluation {evaluation_id}; GET /v1/evaluations lists yours.")
    queue.ping()
    return submit_comparison(store, queue, owner, spec)
