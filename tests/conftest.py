"""Fixtures of the whole suite."""

import os
from collections.abc import Iterator

import pytest
import redis

from tests.valkey import running_valkey

# Read when torch is loaded, here and in the processes that tests start: one thread, as wherever Saddlepoint computes,
# so that sums are the same on a machine of many cores.
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey that the session shares; take `redis_url` unless data of other tests do no harm."""
    with running_valkey() as url:
        yield url


@pytest.fixture
def redis_url(valkey_url: str) -> str:
    """The URL of an empty Valkey."""
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()
    return valkey_url
