"""What is open, as the reconciler saw it last: it lists what goes on at every pass, and a scrape must list nothing.

Lost with Redis, and there again after the next pass.
"""

import redis
from pydantic import ValidationError

from saddlepoint.queue.progress import Phase
from saddlepoint.schemas.base import Schema, Timestamp

_KEY = "saddlepoint:census"


class OpenWork(Schema):
    """Work of one kind that has one status."""

    kind: str
    status: Phase
    count: int
    oldest: Timestamp
    """When the oldest was accepted."""
    still: Timestamp
    """Since when the one that has stood still for longest shows no progress."""


class Census(Schema):
    """All open work at a moment; kinds and statuses that nothing has are left out."""

    at: Timestamp
    works: tuple[OpenWork, ...] = ()


def put_census(connection: redis.Redis, census: Census) -> None:
    """Put it in the place of the last one. Raises redis.RedisError."""
    connection.set(_KEY, census.model_dump_json())


def read_census(connection: redis.Redis) -> Census | None:
    """The last one; None before the first, and where another version wrote it otherwise. Raises redis.RedisError."""
    found = connection.get(_KEY)
    try:
        return None if found is None else Census.model_validate_json(found, extra="ignore")
    except ValidationError:
        return None
