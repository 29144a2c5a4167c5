"""How work ends: once, whoever gets there first, and for good."""

import logging
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

from saddlepoint.errors import AlreadyEnded, NotFound, Unavailable
from saddlepoint.logs import working_on
from saddlepoint.queue import Count, JobQueue
from saddlepoint.schemas.evaluations import Progress, TerminalRecord
from saddlepoint.schemas.problems import Problem
from saddlepoint.state import live_progress
from saddlepoint.store import Store, get_record, put_record
from saddlepoint.work import EVALUATION, TRAINING, Work, find_terminal

_log = logging.getLogger(__name__)


def end(
    store: Store,
    queue: JobQueue,
    work: Work,
    work_id: str,
    status: Literal["succeeded", "failed", "canceled"],
    *,
    error: Problem | None = None,
    progress: Progress | None = None,
    policy_id: str | None = None,
) -> TerminalRecord:
    """End it so, unless it has ended. Returns the end that stands, which may be another one."""
    record = TerminalRecord(
        status=status,
        error=error,
        finished_at=datetime.now(UTC),
        progress=progress or _progress_so_far(store, queue, work_id),
        policy_id=policy_id,
    )
    if put_record(store, work.terminal(work_id), record):
        code = error.code if error else ""
        with working_on(kind=work.name, id=work_id):
            _log.info("%s %s has ended: %s", work.name, work_id, f"{status}, {code}" if code else status)
        queue.tally(Count("ended", (work.name, status, code)))
    store.delete(work.active(work_id))
    with suppress(Unavailable):
        queue.forget(work_id)
    return get_record(store, work.terminal(work_id), TerminalRecord)


def cancel_evaluation(store: Store, queue: JobQueue, evaluation_id: str) -> bool:
    """Cancel an evaluation: True when this call did, False when it was canceled before.

    Raises NotFound, or AlreadyEnded where it ended otherwise, even if only just.
    """
    return _cancel(store, queue, EVALUATION, evaluation_id)


def cancel_training(store: Store, queue: JobQueue, training_id: str) -> bool:
    """Cancel a training, likewise."""
    return _cancel(store, queue, TRAINING, training_id)


def cancel_job(store: Store, queue: JobQueue, work: Work, job_id: str) -> bool:
    """Cancel work that is made of chunks, likewise."""
    return _cancel(store, queue, work, job_id)


def _cancel(store: Store, queue: JobQueue, work: Work, work_id: str) -> bool:
    """The marker tells the workers to stop; the terminal makes it the end."""
    if not store.exists(work.spec(work_id)):
        raise NotFound(f"There is no {work.name} {work_id}; GET /v1/{work.name}s lists yours.")
    ended = find_terminal(store, work, work_id)
    first = ended is None and store.put(work.cancel(work_id), b"")
    if ended is None:
        ended = end(store, queue, work, work_id, "canceled")
    if ended.status != "canceled":
        raise AlreadyEnded(f"The {work.name} {work_id} has {ended.status}; what has ended cannot be canceled.")
    return first


def _progress_so_far(store: Store, queue: JobQueue, work_id: str) -> Progress:
    with suppress(Unavailable):
        return live_progress(store, queue, work_id)[1]
    return Progress()
