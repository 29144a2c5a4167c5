"""Bringing work that is made of chunks on: queued where it is neither done nor under way, until it ends."""

from saddlepoint.endings import end
from saddlepoint.queue import CHUNK
from saddlepoint.schemas import keys
from saddlepoint.schemas.jobs import JobRecord
from saddlepoint.submission import enqueue_chunks
from saddlepoint.work import Work, find_terminal
from worker.context import Context
from worker.reconciling.orphans import drop_orphan


def bring_on_job(context: Context, work: Work, job_id: str, active: frozenset[str]) -> None:
    """Do what an active job lacks, `active` being what waited or ran when the pass began.

    Raises StoreError and Unavailable, to be repeated.
    """
    store = context.store
    if find_terminal(store, work, job_id):
        store.delete(work.active(job_id))
    elif store.exists(work.cancel(job_id)):
        end(store, context.queue, work, job_id, "canceled")
    elif store.exists(work.spec(job_id)):
        _queue_missing(
            context, work, JobRecord.model_validate_json(store.get(work.spec(job_id)), extra="ignore"), active
        )
    else:
        drop_orphan(store, work.active(job_id))


def _queue_missing(context: Context, work: Work, record: JobRecord, active: frozenset[str]) -> None:
    """The chunks that lack and are not under way; where none lacks, the last one, whose task makes the result."""
    done = set(context.store.list(keys.job_chunks(work.name, record.id)))
    lacking = [n for n in range(record.chunks) if keys.job_chunk(work.name, record.id, n) not in done]
    wanted = lacking or [record.chunks - 1]
    enqueue_chunks(
        context.queue,
        work,
        record,
        [number for number in wanted if CHUNK.job_id(work.name, record.id, str(number)) not in active],
    )
