"""A training's checkpoints and curve in the store, written by numbered attempts."""

import logging
from collections.abc import Sequence
from math import isfinite
from typing import Literal

from saddlepoint.errors import ArtifactCorrupt, ArtifactNotFound
from saddlepoint.schemas import keys
from saddlepoint.schemas.trainings import CurvePiece, CurvePoint
from saddlepoint.state import load_curve
from saddlepoint.store import Store, put_record
from trainer.curve import UpdateRecord

_KEPT = 2
"""Checkpoints: the newest, and one more in case it is damaged."""

_log = logging.getLogger(__name__)


def newest_checkpoint(store: Store, training_id: str) -> bytes | None:
    """The newest checkpoint that can be read, None where there is none; damaged ones are deleted."""
    for key in reversed(list(store.list(keys.training_checkpoints(training_id)))):
        try:
            return store.get(key)
        except ArtifactCorrupt:
            _log.exception("%s is damaged; it is deleted, and the training goes on from the one before", key)
            store.delete(key)
        except ArtifactNotFound:  # another attempt has put a newer one and dropped this one
            return newest_checkpoint(store, training_id)
    return None


def put_checkpoint(store: Store, training_id: str, update: int, attempt: int, checkpoint: bytes) -> None:
    """Keep a checkpoint, even beside newer ones of another attempt, and drop those that nobody needs any more."""
    key = keys.training_checkpoint(training_id, update, attempt)
    store.put(key, checkpoint)
    others = [other for other in store.list(keys.training_checkpoints(training_id)) if other != key]
    for other in others[: 1 - _KEPT]:
        store.delete(other)


def settle(store: Store, training_id: str, stage: Literal["middle", "final"], policy: bytes) -> bytes:
    """The weights that stand for a stage of a training: the first ones put, by whichever attempt.

    Two attempts on two machines differ in the last bits, and a training publishes one policy.
    """
    key = keys.training_policy(training_id, stage)
    store.put(key, policy)
    return store.get(key)


def put_curve(store: Store, training_id: str, attempt: int, points: Sequence[CurvePoint]) -> None:
    """Add to the learning curve."""
    if points:
        put_record(store, keys.training_curve(training_id, points[-1].update, attempt), CurvePiece(points=points))


def curve_until(store: Store, training_id: str, update: int) -> list[CurvePoint]:
    """The learning curve as far as a checkpoint goes, which a resumed training adds to."""
    return [point for point in load_curve(store, training_id) if point.update <= update]


def put_events(store: Store, training_id: str, update: int, attempt: int, events: bytes) -> None:
    """Keep the event file of the whole curve instead of the one before."""
    store.put(keys.training_events(training_id, update, attempt), events)
    for key in list(store.list(keys.training_event_files(training_id)))[:-1]:
        store.delete(key)


def curve_point(record: UpdateRecord) -> CurvePoint:
    """What is stored of an update; numbers that a diverging training has lost are left out."""
    measured = {
        "epsilon": record.epsilon,
        "entropy": record.entropy,
        "policy_loss": record.policy_loss,
        "value_loss": record.value_loss,
        "approximate_kl": record.approximate_kl,
        "clipped_share": record.clipped_share,
        "explained_variance": record.explained_variance,
        "steps_per_second": record.steps_per_second,
    }
    return CurvePoint(
        update=record.update,
        steps=record.steps,
        episodes=record.games,
        mean_return=record.mean_return,
        extra={name: value for name, value in measured.items() if isfinite(value)},
    )
