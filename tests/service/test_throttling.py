"""How often, and how many at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from limits.aio.storage import MemoryStorage
from starlette.types import Message

from service.rates import Rate, Rates
from tests.service.bench import Bench, make_bench

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def two_replicas(folder: Path, redis_url: str, **settings: Any) -> AsyncIterator[tuple[Bench, Bench]]:
    """Two services over one store and one Redis, running."""
    made = [make_bench(folder, redis_url=redis_url, **settings) for _ in range(2)]
    async with made[0].app.router.lifespan_context(made[0].app), made[1].app.router.lifespan_context(made[1].app):
        yield made[0], made[1]


async def test_submissions_are_counted_for_all_replicas(tmp_path: Path, redis_url: str) -> None:
    async with two_replicas(tmp_path, redis_url, submit_rate="3/hour") as (one, other):
        alice = one.key("alice")
        answers = [await bench.upload(headers=alice) for bench in (one, other, one, other)]
        assert [answer.status_code for answer in answers] == [201, 200, 200, 429]
        assert [answer.headers["ratelimit"].partition(";t=")[0] for answer in answers] == [
            '"submit";r=2',
            '"submit";r=1',
            '"submit";r=0',
            '"submit";r=0',
        ]
        refused = answers[-1]
        assert refused.headers["ratelimit-policy"] == '"submit";q=3;w=3600'
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["code"] == "too-many-requests"
        assert 0 < int(refused.headers["retry-after"]) <= 3600
        assert (await one.upload(headers=one.key("alice"))).status_code == 200  # another key of the same tenant


async def test_counters_in_redis_expire(tmp_path: Path, redis_url: str) -> None:
    async with two_replicas(tmp_path, redis_url) as (bench, _):
        await bench.upload(headers=bench.key("alice"))
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        names = await client.keys("*saddlepoint:rate*")
        assert len(names) == 1
        assert await client.ttl(names[0]) > 0


async def test_without_redis_each_process_counts_by_itself(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, redis_url=f"unix://{tmp_path}/nobody", submit_rate="2/hour")
    alice = bench.key("alice")
    assert [(await bench.upload(headers=alice)).status_code for _ in range(3)] == [201, 200, 429]


class AwayStorage(MemoryStorage):
    """A Redis that does not answer."""

    asked = 0

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        self.asked += 1
        raise redis.ConnectionError("away")


async def test_a_redis_that_failed_is_not_asked_for_a_while() -> None:
    now_s, away = 0.0, AwayStorage()
    rate = Rate("submit", "10/hour", away, clock=lambda: now_s)
    assert [(await rate.spend("key")).remaining for _ in range(3)] == [9, 8, 7]
    assert away.asked == 1
    now_s = 5.0
    assert (await rate.spend("key")).remaining == 6
    assert away.asked == 2


async def test_reads_are_counted_apart(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, redis_url=f"unix://{tmp_path}/nobody", read_rate="2/minute")
    alice = bench.key("alice")
    answers = [await bench.api.get("/v1/policies", headers=alice) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"read";q=2;w=60'
    assert (await bench.upload(headers=alice)).status_code == 201
    assert (await bench.api.get("/livez", headers=alice)).status_code == 200


async def test_without_keys_nobody_is_limited(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, read_rate="1/minute", max_concurrent=1)
    assert [(await bench.api.get("/v1/policies")).status_code for _ in range(3)] == [200, 200, 200]


async def test_a_key_has_so_many_requests_under_way(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, max_concurrent=2)
    alice, bob = bench.key("alice"), bench.key("bob")
    path = f"/v1/evaluations/{(await bench.evaluate(headers=alice)).json()['id']}"
    waiting = {**alice, "Prefer": "wait=30"}
    under_way = [asyncio.create_task(bench.api.get(path, headers=waiting)) for _ in range(2)]
    await asyncio.sleep(0.2)
    refused = await bench.api.get(path, headers=alice)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert (await bench.api.get("/v1/policies", headers=bob)).status_code == 200
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
    assert (await bench.api.get(path, headers=alice)).status_code == 200


async def test_a_refused_key_is_not_read_from(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, redis_url=f"unix://{tmp_path}/nobody", submit_rate="1/hour")
    alice = bench.key("alice")
    await bench.upload(headers=alice)
    reads = 0

    async def receive() -> Message:
        nonlocal reads
        reads += 1
        return {"type": "http.request", "body": bytes(65536), "more_body": True}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(b"authorization", alice["Authorization"].encode()), (b"content-length", b"100000000")]
    scope = {"type": "http", "method": "POST", "path": "/evaluate", "query_string": b"", "headers": raw}
    await bench.app(scope, receive, send)
    assert sent[0]["status"] == 429
    assert reads <= 8  # what is drained so that the answer arrives


def test_a_rate_is_a_number_in_a_window() -> None:
    with pytest.raises(ValueError, match="read_rate"):
        make_bench(Path("/nowhere"), read_rate="often")


async def test_nothing_is_connected_before_it_is_needed(tmp_path: Path) -> None:
    rates = Rates.of(make_bench(tmp_path).context.settings)
    assert (await rates.read.spend("key")).remaining == 119_999
    await rates.aclose()
