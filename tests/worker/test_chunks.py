"""Work that is made of chunks: whoever does a chunk, and however often."""

from collections.abc import Callable, Sequence

import pytest

from saddlepoint.endings import cancel_job
from saddlepoint.errors import InvalidRequest
from saddlepoint.queue import CHUNK, EVALUATE
from saddlepoint.schemas import keys
from saddlepoint.schemas.jobs import JobRecord
from saddlepoint.submission import submit_job
from saddlepoint.work import ATTACK, find_terminal
from tests.worker.world import NOW
from worker.attempts import MAX_ATTEMPTS
from worker.chunks import ChunkedWork, run_chunk
from worker.context import Context
from worker.reconciling import Reconciler

ID = "job"
RECORD = JobRecord(id=ID, owner="me", created_at=NOW, chunks=3, chunk_timeout_s=60.0)
RESULT = keys.job_result("attack", ID, "npz")


class Doing:
    """Computes a chunk's number; `error` happens instead while it is set."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.error: BaseException | None = None

    @property
    def kind(self) -> ChunkedWork:
        return ChunkedWork(ATTACK, JobRecord, self._compute, self._fold)

    def _compute(self, context: Context, record: JobRecord, chunk: int, alive: Callable[[], None]) -> bytes:
        alive()
        if self.error is not None:
            raise self.error
        self.done.append(chunk)
        return str(chunk).encode()

    def _fold(self, context: Context, record: JobRecord, chunks: Sequence[bytes]) -> dict[str, bytes]:
        return {RESULT: b"+".join(chunks)}


@pytest.fixture
def doing(context: Context) -> Doing:
    submit_job(context.store, context.queue, ATTACK, RECORD)
    return Doing()


def status(context: Context) -> str | None:
    terminal = find_terminal(context.store, ATTACK, ID)
    return terminal.status if terminal else None


def queued(context: Context) -> set[int]:
    active = context.queue.active(EVALUATE)
    return {number for number in range(3) if CHUNK.job_id("attack", ID, str(number)) in active}


def test_the_result_is_made_of_all_chunks_in_order(context: Context, doing: Doing) -> None:
    assert queued(context) == {0, 1, 2}
    for chunk in (2, 0, 0):
        run_chunk(context, doing.kind, ID, chunk)
    assert (doing.done, status(context)) == ([2, 0], None)
    run_chunk(context, doing.kind, ID, 1)
    assert (context.store.get(RESULT), status(context)) == (b"0+1+2", "succeeded")
    assert not context.store.exists(ATTACK.active(ID))


def test_what_has_ended_is_not_done_again(context: Context, doing: Doing) -> None:
    for chunk in range(3):
        run_chunk(context, doing.kind, ID, chunk)
    run_chunk(context, doing.kind, ID, 0)
    assert doing.done == [0, 1, 2]


def test_an_error_that_would_come_again_ends_it(context: Context, doing: Doing) -> None:
    doing.error = InvalidRequest("The observations hold NaN; send numbers.")
    run_chunk(context, doing.kind, ID, 0)
    terminal = find_terminal(context.store, ATTACK, ID)
    assert terminal is not None
    assert terminal.error is not None
    assert (terminal.status, terminal.error.code) == ("failed", "invalid-request")


def test_what_kills_its_worker_again_and_again_ends(context: Context, doing: Doing) -> None:
    doing.error = MemoryError()
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(MemoryError):
            run_chunk(context, doing.kind, ID, 0)
    assert status(context) is None
    run_chunk(context, doing.kind, ID, 0)
    assert status(context) == "failed"


def test_a_canceled_one_stops(context: Context, doing: Doing) -> None:
    assert cancel_job(context.store, context.queue, ATTACK, ID)
    run_chunk(context, doing.kind, ID, 0)
    assert (doing.done, status(context)) == ([], "canceled")


def test_the_reconciler_queues_what_is_lost(context: Context, doing: Doing) -> None:
    run_chunk(context, doing.kind, ID, 1)
    with context.queue._connection as connection:
        connection.flushall()
    Reconciler(context).run_pass()
    assert queued(context) == {0, 2}


def test_the_reconciler_has_a_result_made_that_a_killed_worker_left(context: Context, doing: Doing) -> None:
    for chunk in range(3):
        context.store.put(keys.job_chunk("attack", ID, chunk), str(chunk).encode())
    with context.queue._connection as connection:
        connection.flushall()
    Reconciler(context).run_pass()
    assert queued(context) == {2}
    run_chunk(context, doing.kind, ID, 2)
    assert (doing.done, context.store.get(RESULT)) == ([], b"0+1+2")


def test_one_that_is_not_there_is_nobodys_trouble(context: Context, doing: Doing) -> None:
    run_chunk(context, doing.kind, "nothing", 0)
    assert doing.done == []
