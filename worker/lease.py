"""Who of several alike works, while the others wait."""

import math
import time
from collections.abc import Callable
from uuid import uuid4

from saddlepoint.queue import JobQueue

_KEPT_INTERVALS = 3


class Lease:
    """Renewed once an interval, however often it is asked about, and lost three intervals after the last time."""

    def __init__(
        self, queue: JobQueue, name: str, interval_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._queue, self._name, self._interval_s, self._clock = queue, name, interval_s, clock
        self._holder = uuid4().hex
        self._renewed = -math.inf

    def is_held(self) -> bool:
        """Whether it is ours, taken now if nobody has it. Raises Unavailable."""
        now = self._clock()
        if now < self._renewed + self._interval_s:
            return True
        if not self._queue.hold_lease(self._name, self._holder, _KEPT_INTERVALS * self._interval_s):
            return False
        self._renewed = now
        return True
