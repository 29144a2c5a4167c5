"""Redis: whether it answers, keeps what it is given, and tells the same time."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import redis

from saddlepoint.queue import connect
from saddlepoint.schemas.checkups import Finding, judged

_OLDEST = (6, 2)
_SKEW_S = 5.0
_NEARLY_FULL = 0.9


def look_at_redis(url: str) -> Iterator[Finding]:
    """Everything there is to say about the Redis at `url`; the URL has its password and is not told."""
    try:
        with connect(url) as connection:
            about = dict(connection.info())
            seconds, microseconds = connection.time()
            skew_s = seconds + microseconds / 1e6 - time.time()
    except (redis.RedisError, ValueError) as error:
        yield Finding(
            check="redis",
            verdict="fail",
            found=f"does not answer: {type(error).__name__}",
            remedy="Start it, or correct SADDLEPOINT_REDIS_URL: host, port, password, TLS.",
        )
        return
    yield from (version(about), persistence(about), room(about), clock("redis clock", skew_s))


def version(about: Mapping[str, Any]) -> Finding:
    name, number = (
        ("Valkey", about["valkey_version"]) if "valkey_version" in about else ("Redis", about["redis_version"])
    )
    # Valkey goes on to tell the Redis version that it is compatible with.
    compatible = tuple(map(int, str(about["redis_version"]).split(".")[:2]))
    return judged(
        "redis",
        f"{name} {number}",
        fails=compatible < _OLDEST,
        remedy="The queue needs Redis 6.2 or Valkey 7.2 at least.",
    )


def persistence(about: Mapping[str, Any]) -> Finding:
    """An append-only file that is written; without one the reconciler queues everything again after a restart."""
    is_on, works = bool(about.get("aof_enabled")), about.get("aof_last_write_status", "ok") == "ok"
    state = "append-only file" if is_on and works else "append-only file that cannot be written" if is_on else "none"
    return judged(
        "redis persistence",
        state,
        fails=is_on and not works,
        warns=not is_on,
        remedy="Set appendonly yes, on a disk with room. Without it nothing is lost, but queued again after a restart.",
    )


def room(about: Mapping[str, Any]) -> Finding:
    """Memory, and that nothing is evicted when it ends."""
    used, most, policy = int(about["used_memory"]), int(about["maxmemory"]), str(about["maxmemory_policy"])
    return judged(
        "redis memory",
        f"{used / 2**20:.0f} MiB of {f'{most / 2**20:.0f} MiB' if most else 'any'}, {policy}",
        fails=policy != "noeviction" and most > 0,
        warns=policy != "noeviction" or (most > 0 and used > _NEARLY_FULL * most),
        remedy="Set maxmemory-policy noeviction (an evicted job waits for the reconciler to see it); raise maxmemory.",
    )


def clock(check: str, skew_s: float) -> Finding:
    """`skew_s`: how much later it is elsewhere."""
    return judged(
        check,
        f"{skew_s:+.1f} s from this machine's",
        warns=abs(skew_s) > _SKEW_S,
        remedy="Synchronise the clocks (NTP): ages of jobs and of workers are told by them.",
    )
