import asyncio
import shutil

import pytest

from saddlepoint.schemas import keys
from service import readiness
from tests.service.bench import Bench
from tests.test_store import short_of_space

pytestmark = pytest.mark.anyio


async def test_a_whole_service_is_ready(bench: Bench) -> None:
    answers = [await bench.api.get(path) for path in ("/livez", "/readyz")]
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_without_redis_it_lives_but_is_not_ready(bench: Bench) -> None:
    bench.queue.away = True
    alive, ready = [await bench.api.get(path) for path in ("/livez", "/readyz")]
    assert (alive.status_code, ready.status_code) == (200, 503)
    assert (ready.json()["code"], ready.headers["retry-after"]) == ("unavailable", "5")


async def test_a_probe_leaves_nothing(bench: Bench) -> None:
    await bench.api.get("/readyz")
    assert bench.stored() == []


async def test_a_store_that_fills_up_is_noticed_and_so_is_its_recovery(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "FRESH_S", 0.0)
    bench.store.put(keys.PROBE, b"left by a killed process")
    statuses = [(await bench.api.get("/readyz")).status_code]
    with short_of_space():
        statuses.append((await bench.api.get("/readyz")).status_code)
    statuses.append((await bench.api.get("/readyz")).status_code)
    assert statuses == [200, 503, 200]


async def test_many_probes_cost_one_write(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(bench.store, "put", lambda key, data: written.append(key))
    answers = await asyncio.gather(*(bench.api.get("/readyz") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(written) == 1


async def test_without_its_store_it_is_not_ready(bench: Bench) -> None:
    shutil.rmtree(bench.folder / "store")
    ready = await bench.api.get("/readyz")
    assert (ready.status_code, ready.headers["content-type"]) == (503, "application/problem+json")
