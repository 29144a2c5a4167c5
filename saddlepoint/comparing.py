"""How comparisons begin, whoever asks for one: the same evaluations are the same comparison."""

from datetime import UTC, datetime

from saddlepoint.errors import Conflict
from saddlepoint.generations import found_or_submitted
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.comparability import check_comparable, setting_of
from saddlepoint.schemas.comparisons import AnyComparisonSpec, ComparisonRecord, comparison_id
from saddlepoint.schemas.plans import Plan
from saddlepoint.state import load_record
from saddlepoint.store import Store, get_record
from saddlepoint.submission import submit_job
from saddlepoint.work import COMPARISON, EVALUATION, find_terminal

_TIMEOUT_S = 3600.0
"""Far more than the arithmetic takes."""


def submit_comparison(store: Store, queue: JobQueue, owner: str, spec: AnyComparisonSpec) -> str:
    """Accept a comparison of evaluations of `owner` and return its id. May block.

    Raises NotFound, NotComparable, and Conflict where an evaluation has not succeeded.
    """
    check_comparable({name: _setting(store, name) for name in spec.evaluations})

    def numbered(generation: int) -> str:
        return comparison_id(owner, spec, generation)

    def submit(wanted: str, generation: int) -> None:
        record = ComparisonRecord(
            id=wanted,
            owner=owner,
            generation=generation,
            created_at=datetime.now(UTC),
            chunks=1,
            chunk_timeout_s=_TIMEOUT_S,
            spec=spec,
        )
        submit_job(store, queue, COMPARISON, record)

    return found_or_submitted(store, COMPARISON, numbered, submit)


def _setting(store: Store, evaluation_id: str) -> dict[str, object]:
    """What an evaluation is comparable by. Raises NotFound and Conflict."""
    record = load_record(store, evaluation_id)
    terminal = find_terminal(store, EVALUATION, evaluation_id)
    if terminal is None or terminal.status != "succeeded":
        state = {"failed": "has failed", "canceled": "was canceled"}.get(terminal.status if terminal else "", "goes on")
        raise Conflict(
            f"Evaluations are compared once they have succeeded; {evaluation_id} {state}. Wait for it with "
            f"GET /v1/evaluations/{evaluation_id} and `Prefer: wait=60`, or leave it out."
        )
    return setting_of(record.spec, get_record(store, keys.evaluation_plan(evaluation_id), Plan))
