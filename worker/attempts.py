"""Counting the attempts at a shard, so that what cannot succeed ends.

An attempt is put before it begins, because what kills a worker lets it put nothing afterwards.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import NamedTuple

from saddlepoint.errors import JobFailed, SaddlepointError, StoreError
from saddlepoint.hiccups import is_passing
from saddlepoint.rq_worker import Interrupted
from saddlepoint.schemas import keys
from saddlepoint.schemas.base import Schema, Timestamp
from saddlepoint.store import Store, get_record, put_record

MAX_ATTEMPTS = 5
"""In a row without one more finished episode."""
MAX_HANGS = 3
"""Of these, so many that were stuck until the watchdog ended them."""


class Attempt(Schema):
    """The begin of an attempt, and how many episodes of the shard were finished then."""

    started_at: Timestamp
    finished: int


class Past(NamedTuple):
    """What is known of an attempt that is over: episodes finished at its begin, and whether it was stuck at its end."""

    finished: int
    hung: bool


@contextmanager
def attempting(store: Store, evaluation_id: str, shard: int, *, finished: int) -> Iterator[None]:
    """Count an attempt at a shard of which `finished` episodes are there; JobFailed where there were enough.

    Being stopped on purpose is no failure of the shard, nor is a store that fails for a while: neither counts.
    """
    attempts = _load(store, evaluation_id, shard)
    if is_hopeless(attempts, finished):
        raise JobFailed(
            f"Part {shard} of the work was started {len(attempts)} times without finishing one more episode, and is "
            "given up; the workers' log says why. What is finished is kept: submit the evaluation again once that is "
            "mended."
        )
    key = _put(store, evaluation_id, shard, Attempt(started_at=datetime.now(UTC), finished=finished))
    try:
        yield
    except (Interrupted, SaddlepointError) as error:
        if isinstance(error, Interrupted) or is_passing(error):
            with suppress(StoreError):
                store.delete(key)
        raise


def is_hopeless(attempts: Sequence[Past], finished: int) -> bool:
    """Whether the attempts so far show that another one is in vain."""
    idle = [attempt for attempt in attempts if attempt.finished == finished]
    return len(idle) >= MAX_ATTEMPTS or sum(attempt.hung for attempt in idle) >= MAX_HANGS


def _load(store: Store, evaluation_id: str, shard: int) -> list[Past]:
    """The last attempts at a shard, in order."""
    found = list(store.list(keys.evaluation_attempts(evaluation_id, shard)))
    return [_read(store, evaluation_id, shard, key) for key in found[-MAX_ATTEMPTS:]]


def _read(store: Store, evaluation_id: str, shard: int, key: str) -> Past:
    hung = store.exists(keys.evaluation_hang(evaluation_id, shard, keys.attempt_number(key)))
    return Past(get_record(store, key, Attempt).finished, hung)


def _put(store: Store, evaluation_id: str, shard: int, attempt: Attempt) -> str:
    number = len(list(store.list(keys.evaluation_attempts(evaluation_id, shard))))
    while not put_record(store, key := keys.evaluation_attempt(evaluation_id, shard, number), attempt):
        number += 1
    return key
