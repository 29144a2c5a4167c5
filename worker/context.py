"""What every task works with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from saddlepoint.queue import JobQueue
from saddlepoint.settings import Settings
from saddlepoint.store import Store
from saddlepoint.store_tally import tallied_store


@dataclass(frozen=True)
class Context:
    """The store, the queue, and the settings that they were opened with."""

    store: Store
    queue: JobQueue
    settings: Settings

    @classmethod
    @contextmanager
    def open(cls, settings: Settings) -> "Iterator[Context]":
        """With the operations on the store counted."""
        queue = JobQueue.open(settings.redis_url)
        with tallied_store(settings.store_url, queue) as store:
            yield cls(store, queue, settings)
