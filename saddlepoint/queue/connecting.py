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


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn Redis being away, or still loading its data, into Unavailable."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.ReadOnlyError) as error:
        raise Unavailable("The queue cannot be reached right now; what was accepted is safe. Try again.") from error
