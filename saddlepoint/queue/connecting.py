"""Connections to Redis, and its errors in our own words."""

import contextlib
from collections.abc import Iterator

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

from saddlepoint.errors import Unavailable

_CONNECT_TIMEOUT_S = 2.0
ANSWER_S = 5.0
_RETRIES = 3
_AWAY = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.OutOfMemoryError,
)
_CANNOT_PERSIST = "MISCONF"
"""Redis takes nothing, not even a ping, while its disk does not; the client library has no class for it."""


def connect(url: str, *, answer_s: float = ANSWER_S) -> redis.Redis:
    """A client for `url` (redis://, rediss://, unix://); it connects when it is first used.

    It rides out a hiccup of under a second and then says Unavailable through `translated`. A server that is frozen is
    given up after four times `answer_s`.
    """
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=_CONNECT_TIMEOUT_S,
        socket_timeout=answer_s,
        retry=Retry(ExponentialWithJitterBackoff(cap=0.5, base=0.05), _RETRIES),
    )


def is_away(error: redis.RedisError) -> bool:
    """Whether Redis may do later what it did not do now: it is not there, loads its data, or it or its disk is full."""
    return isinstance(error, _AWAY) or _CANNOT_PERSIST in str(error)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn Redis being away into Unavailable."""
    try:
        yield
    except redis.RedisError as error:
        if not is_away(error):
            raise
        raise Unavailable("The queue cannot be reached right now; what was accepted is safe. Try again.") from error
