"""Bringing on what shows what trainings gained, until it is there."""

from saddlepoint.proof import bring_on_proof
from saddlepoint.schemas import keys
from worker.context import Context
from worker.reconciling.orphans import drop_orphan


def bring_on_training_proof(context: Context, training_id: str) -> None:
    """Do what can be done now. Raises StoreError and Unavailable, to be repeated."""
    if all(context.store.exists(key(training_id)) for key in (keys.training_spec, keys.training_proof)):
        bring_on_proof(context.store, context.queue, training_id)
    else:
        drop_orphan(context.store, keys.active_proof(training_id))
