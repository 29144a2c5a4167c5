"""Whether the service can do what it is for: its store takes something new, and Redis answers."""

import threading
import time

from saddlepoint.errors import StoreError, Unavailable
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.store import Store

FRESH_S = 1.0
"""Probes are open to anybody, and a write waits for the disk."""
_PROBE = b"\0" * 4096
"""A full disk may still take a few bytes."""


class Readiness:
    """Looked at when somebody asks, once for all who ask within a second."""

    def __init__(self, store: Store, queue: JobQueue) -> None:
        self._store, self._queue = store, queue
        self._lock = threading.Lock()
        self._good_until = 0.0

    def check(self) -> None:
        """Raise Unavailable where something is missing. May block."""
        with self._lock:
            if time.monotonic() < self._good_until:
                return
            self._write()
            self._queue.ping()
            self._good_until = time.monotonic() + FRESH_S

    def _write(self) -> None:
        """Always under one key, which a killed process leaves behind once and not once a death."""
        try:
            self._store.delete(keys.PROBE)
            self._store.put(keys.PROBE, _PROBE)
            self._store.delete(keys.PROBE)
        except StoreError:
            message = "The artifact store cannot be written right now; see to its disk or its network."
            raise Unavailable(message) from None
