"""Work that is made of chunks: each begun by anybody, any number of times, with one effect."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from saddlepoint.endings import end
from saddlepoint.errors import Canceled, Unavailable
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import Progress
from saddlepoint.schemas.jobs import JobRecord
from saddlepoint.store import find_record
from saddlepoint.work import Work
from worker.attempts import attempting
from worker.context import Context
from worker.failing import ending_on_error
from worker.watchdog import watchdog

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChunkedWork:
    """A kind of work. `compute` makes a chunk's artifact, `fold` the result's, by their keys; both may be repeated."""

    work: Work
    record: type[Any]
    """Its JobRecord."""
    compute: Callable[[Context, Any, int, Callable[[], None]], bytes]
    fold: Callable[[Context, Any, Sequence[bytes]], Mapping[str, bytes]]


def run_chunk(context: Context, kind: ChunkedWork, job_id: str, index: int) -> None:
    """Compute a chunk unless it is there, and make the result once all are."""
    work = kind.work
    record: JobRecord | None = find_record(context.store, work.spec(job_id), kind.record)
    if record is None:
        _log.warning("%s %s is not in the store: it is another one, or was deleted", work.name, job_id)
        return
    with ending_on_error(context, job_id, work), watchdog(record.stall_s) as alive:

        def heartbeat() -> None:
            alive()
            _check_canceled(context, work, job_id)

        heartbeat()
        with suppress(Unavailable):
            context.queue.set_phase(job_id, "processing")
        _complete(context, kind, record, index, heartbeat)


def _complete(
    context: Context, kind: ChunkedWork, record: JobRecord, index: int, heartbeat: Callable[[], None]
) -> None:
    store, name = context.store, kind.work.name
    key = keys.job_chunk(name, record.id, index)
    if not store.exists(key):
        with attempting(store, record.id, index, finished=0):
            store.put(key, kind.compute(context, record, index, heartbeat))
    chunks = [keys.job_chunk(name, record.id, number) for number in range(record.chunks)]
    if not all(store.exists(chunk) for chunk in chunks):
        return
    with attempting(store, record.id, record.chunks, finished=0):
        for artifact, data in kind.fold(context, record, [store.get(chunk) for chunk in chunks]).items():
            store.put(artifact, data)
        end(context.store, context.queue, kind.work, record.id, "succeeded", progress=Progress())


def _check_canceled(context: Context, work: Work, job_id: str) -> None:
    for key in (work.cancel(job_id), work.terminal(job_id)):
        if context.store.exists(key):
            raise Canceled(f"The {work.name} {job_id} has ended.")
