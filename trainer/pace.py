"""Doing something now and then."""

import time
from collections.abc import Callable


class Every:
    """True once in so many seconds, whenever it is asked first after they have passed."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._last = clock()

    def __call__(self) -> bool:
        now = self._clock()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True

    def again_in(self, seconds: float) -> None:
        """Be true after so many seconds this time: what was due failed."""
        self._last = self._clock() - self._seconds + seconds
