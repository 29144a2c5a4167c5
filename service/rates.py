"""How often a key may ask: what makes something is counted for all replicas in Redis, what only reads in each process.

A read costs less than asking Redis about it. Where Redis is away, each process counts everything by itself until it is
back: neither does that lock anybody out, nor does it open the gate.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import redis
from limits import parse
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import ConnectionPool

from saddlepoint.settings import Settings

_ANSWER_S = 0.5
_SULK_S = 5.0
"""For so long Redis is not asked again after it failed: each failure may take as long as an answer."""


@dataclass(frozen=True)
class Allowance:
    """What a key has left of a rate after one request."""

    policy: str
    quota: int
    window_s: int
    remaining: int
    reset_s: int
    """Until more of it is free."""
    is_exceeded: bool

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers has them."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={self.window_s}',
            "RateLimit": f'"{self.policy}";r={self.remaining};t={self.reset_s}',
        }


class Rate:
    """A number of requests in a window that slides, counted here or, with `shared`, for all who count there."""

    def __init__(
        self, policy: str, limit: str, shared: Storage | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._policy, self._item, self._clock = policy, parse(limit), clock
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = SlidingWindowCounterRateLimiter(shared) if shared is not None else None
        self._silent_until = float("-inf")

    async def spend(self, key_id: str) -> Allowance:
        """Count a request of a key."""
        if self._shared is not None and self._clock() >= self._silent_until:
            try:
                return await self._spend(self._shared, key_id)
            except redis.RedisError:
                self._silent_until = self._clock() + _SULK_S
        return await self._spend(self._own, key_id)

    async def _spend(self, limiter: SlidingWindowCounterRateLimiter, key_id: str) -> Allowance:
        granted = await limiter.hit(self._item, self._policy, key_id)
        reset_time, remaining = await limiter.get_window_stats(self._item, self._policy, key_id)
        return Allowance(
            policy=self._policy,
            quota=self._item.amount,
            window_s=self._item.get_expiry(),
            remaining=remaining if granted else 0,
            reset_s=max(1, math.ceil(reset_time - time.time())),
            is_exceeded=not granted,
        )


@dataclass(frozen=True)
class Rates:
    """Those of a service. Closed with the connections that they hold."""

    read: Rate
    submit: Rate
    _pool: ConnectionPool | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """By the settings; nothing is connected before it is needed."""
        pool = ConnectionPool.from_url(settings.redis_url, socket_timeout=_ANSWER_S, socket_connect_timeout=_ANSWER_S)
        uri = settings.redis_url.replace("unix://", "redis+unix://", 1)
        shared = RedisStorage(
            uri,
            implementation="redispy",
            key_prefix="saddlepoint:rate",
            connection_pool=pool,  # type: ignore[arg-type]
        )
        return cls(Rate("read", settings.read_rate), Rate("submit", settings.submit_rate, shared), pool)

    async def aclose(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()
