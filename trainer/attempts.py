"""Attempts at a training: each has a number, the newest one goes on, and there are not endlessly many in vain."""

from datetime import UTC, datetime

from saddlepoint.errors import JobFailed
from saddlepoint.schemas import keys
from saddlepoint.schemas.base import Schema, Timestamp
from saddlepoint.store import Store, get_record, put_record

MAX_ATTEMPTS = 3
"""In a row without one more checkpoint."""


class Attempt(Schema):
    """The begin of an attempt, put before it does anything."""

    started_at: Timestamp
    update: int
    """Of the checkpoint that it began from."""


def begin(store: Store, training_id: str, update: int) -> int:
    """Take the next number; JobFailed if the last attempts began from this very update too."""
    found = list(store.list(keys.training_attempts(training_id)))
    starts = [get_record(store, key, Attempt).update for key in found[-MAX_ATTEMPTS:]]
    if len(starts) == MAX_ATTEMPTS and all(start == update for start in starts):
        raise JobFailed(
            f"The training was started {len(found)} times and came no further than update {update} the last "
            f"{MAX_ATTEMPTS} times. The trainer's log says why; submit the training again once that is mended."
        )
    number = keys.attempt_number(found[-1]) + 1 if found else 0
    attempt = Attempt(started_at=datetime.now(UTC), update=update)
    while not put_record(store, keys.training_attempt(training_id, number), attempt):
        number += 1
    return number


def withdraw(store: Store, training_id: str, number: int) -> None:
    """An attempt that was stopped through no fault of the training does not count."""
    store.delete(keys.training_attempt(training_id, number))


def is_superseded(store: Store, training_id: str, number: int) -> bool:
    """Whether somebody took the training over from this attempt, as if it were dead."""
    own = keys.training_attempt(training_id, number)
    return any(True for _ in store.list(keys.training_attempts(training_id), start_after=own))
