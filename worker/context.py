"""What every task works with."""

from dataclasses import dataclass

from saddlepoint.queue import JobQueue
from saddlepoint.settings import Settings
from saddlepoint.store import Store, open_store


@dataclass(frozen=True)
class Context:
    """The store, the queue, and the settings that they were opened with."""

    store: Store
    queue: JobQueue
    settings: Settings

    @classmethod
    def open(cls, settings: Settings) -> "Context":
        return cls(open_store(settings.store_url), JobQueue.open(settings.redis_url), settings)
