"""How many refusals are worth an event: the first of each source, and few of all; the rest is counted."""

import time
from collections import Counter
from collections.abc import Callable

WINDOW_S = 600.0
OF_ONE = 10
"""Events of one source, which is a key or an address, in a window."""
OF_ALL = 30
"""Events of all sources in a window, so that many addresses fill neither the disk nor this table."""


class Ration:
    """What one process notes of the refusals of one tenant."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._noted: Counter[str] = Counter()
        self._ends_at = float("-inf")
        self._unnoted = 0

    def spend(self, source: str) -> int | None:
        """How many were only counted since the last that was noted; None where this one is only counted too."""
        now = self._clock()
        if now >= self._ends_at:
            self._noted.clear()
            self._ends_at = now + WINDOW_S
        if self._noted[source] >= OF_ONE or self._noted.total() >= OF_ALL:
            self._unnoted += 1
            return None
        self._noted[source] += 1
        unnoted, self._unnoted = self._unnoted, 0
        return unnoted
