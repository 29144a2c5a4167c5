"""Bringing trainings on: queued whenever they are not, until they end."""

from saddlepoint.endings import end
from saddlepoint.schemas import keys
from saddlepoint.submission import enqueue_training
from saddlepoint.work import TRAINING, find_terminal
from worker.context import Context
from worker.reconciling.orphans import drop_orphan


def bring_on_training(context: Context, training_id: str) -> None:
    """Do what an active training lacks. Raises StoreError and Unavailable, to be repeated."""
    if find_terminal(context.store, TRAINING, training_id):
        context.store.delete(keys.active_training(training_id))
    elif context.store.exists(keys.training_cancel(training_id)):
        end(context.store, context.queue, TRAINING, training_id, "canceled")
    elif context.store.exists(keys.training_spec(training_id)):
        enqueue_training(context.queue, training_id)
    else:
        drop_orphan(context.store, keys.active_training(training_id))
