"""One pass over all that is accepted and not done."""

from worker.reconciling.passes import Reconciler

__all__ = ["Reconciler"]
