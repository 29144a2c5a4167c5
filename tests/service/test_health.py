import shutil

import pytest

from tests.service.bench import Bench

pytestmark = pytest.mark.anyio


async def test_a_whole_service_is_ready(bench: Bench) -> None:
    answers = [await bench.api.get(path) for path in ("/livez", "/readyz")]
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_without_redis_it_lives_but_is_not_ready(bench: Bench) -> None:
    bench.queue.away = True
    alive, ready = [await bench.api.get(path) for path in ("/livez", "/readyz")]
    assert (alive.status_code, ready.status_code) == (200, 503)
    assert (ready.json()["code"], ready.headers["retry-after"]) == ("unavailable", "5")


async def test_without_its_store_it_is_not_ready(bench: Bench) -> None:
    shutil.rmtree(bench.folder / "store")
    ready = await bench.api.get("/readyz")
    assert (ready.status_code, ready.headers["content-type"]) == (503, "application/problem+json")
