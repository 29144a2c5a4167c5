"""What workers ask of the store, summed in Redis: now and then, for an operation takes less than telling of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from saddlepoint.queue import Count, JobQueue
from saddlepoint.store import MeasuredStore, Store, open_store

_INTERVAL_S = 1.0
_PAUSES = 10
"""Times as long as the last telling took, for a Redis that is slow or away."""


@contextmanager
def tallied_store(url: str, queue: JobQueue) -> Iterator[Store]:
    """The store at `url`, whose operations are counted. Raises what `open_store` raises.

    What the last second brought is told at the end, unless that comes by an exception: who is interrupted ends at once.
    """
    tally = StoreTally(queue)
    yield MeasuredStore(open_store(url), tally)
    tally.tell()


class StoreTally:
    """Called with every operation that a `MeasuredStore` observes."""

    def __init__(self, queue: JobQueue, clock: Callable[[], float] = time.monotonic) -> None:
        self._queue, self._clock = queue, clock
        self._waiting: list[Count] = []
        self._next = clock() + _INTERVAL_S

    def __call__(self, operation: str, outcome: str, seconds: float) -> None:
        self._waiting.append(Count("worker_store_seconds", (operation, outcome), seconds))
        if self._clock() >= self._next:
            self.tell()

    def tell(self) -> None:
        """Add what waits to the sums in Redis; while that is away it goes uncounted."""
        began, waiting, self._waiting = self._clock(), self._waiting, []
        if waiting:
            self._queue.tally(*waiting)
        ended = self._clock()
        self._next = ended + max(_INTERVAL_S, _PAUSES * (ended - began))
