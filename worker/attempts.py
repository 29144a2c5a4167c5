"""Counting the attempts at a shard, so that what cannot succeed ends.

An attempt is put before it begins, because what kills a worker lets it put nothing afterwards.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from saddlepoint.errors import JobFailed, SaddlepointError, StoreError
from saddlepoint.hiccups import is_passing
from saddlepoint.rq_worker import Interrupted
from saddlepoint.schemas import keys
from saddlepoint.schemas.base import Schema, Timestamp
from saddlepoint.store import Store, get_record, put_record

MAX_ATTEMPTS = 5
"""In a row without one more finished episode."""
MAX_HANGS = 3
"""Of these, so many that lasted until the watchdog ended them."""


class Attempt(Schema):
    """The begin of an attempt, and how many episodes of the shard were finished then."""

    started_at: Timestamp
    finished: int


@contextmanager
def attempting(store: Store, evaluation_id: str, shard: int, *, finished: int, stall_s: float) -> Iterator[None]:
    """Count an attempt at a shard; JobFailed where there were enough.

    `finished` episodes of the shard are there, and a step that takes `stall_s` is ended by a watchdog. Being stopped
    on purpose is no failure of the shard, nor is a store that fails for a while: neither counts.
    """
    now = datetime.now(UTC)
    attempts = _load(store, evaluation_id, shard)
    if is_hopeless(attempts, finished, now, stall_s):
        raise JobFailed(
            f"Part {shard} of the work was started {len(attempts)} times without finishing one more episode, and is "
            "given up; the workers' log says why. What is finished is kept: submit the evaluation again once that is "
            "mended."
        )
    key = _put(store, evaluation_id, shard, Attempt(started_at=now, finished=finished))
    try:
        yield
    except (Interrupted, SaddlepointError) as error:
        if isinstance(error, Interrupted) or is_passing(error):
            with suppress(StoreError):
                store.delete(key)
        raise


def is_hopeless(attempts: Sequence[Attempt], finished: int, now: datetime, stall_s: float) -> bool:
    """Whether the attempts so far, none of which is still running, show that another one is in vain."""
    spans = pairwise([*(attempt.started_at for attempt in attempts), now])
    idle = [end - start for attempt, (start, end) in zip(attempts, spans, strict=True) if attempt.finished == finished]
    hangs = sum(lasted >= timedelta(seconds=stall_s) for lasted in idle)
    return len(idle) >= MAX_ATTEMPTS or hangs >= MAX_HANGS


def _load(store: Store, evaluation_id: str, shard: int) -> list[Attempt]:
    """The last attempts at a shard, in order."""
    found = list(store.list(keys.evaluation_attempts(evaluation_id, shard)))
    return [get_record(store, key, Attempt) for key in found[-MAX_ATTEMPTS:]]


def _put(store: Store, evaluation_id: str, shard: int, attempt: Attempt) -> str:
    number = len(list(store.list(keys.evaluation_attempts(evaluation_id, shard))))
    while not put_record(store, key := keys.evaluation_attempt(evaluation_id, shard, number), attempt):
        number += 1
    return key
