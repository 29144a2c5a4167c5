"""How much a tenant may have."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from saddlepoint.schemas.evaluations import EvaluationSpec
from service.quotas import Quotas, episodes_of
from tests.service.bench import BOXING, make_bench

pytestmark = pytest.mark.anyio


async def test_so_many_evaluations_run_at_once(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, max_running=2)
    alice, bob = bench.key("alice"), bench.key("bob")
    made = [await bench.evaluate(headers=alice, steps=steps) for steps in (1, 2, 3)]
    assert [answer.status_code for answer in made] == [202, 202, 429]
    assert (made[2].json()["code"], made[2].headers["retry-after"]) == ("quota-exceeded", "30")
    assert (await bench.evaluate(headers=alice, steps=2)).status_code == 202  # it is there already
    assert (await bench.evaluate(headers=bob)).status_code == 202
    bench.finish(made[0].json()["id"])
    assert (await bench.evaluate(headers=alice, steps=3)).status_code == 202


async def test_so_many_episodes_are_asked_for_in_a_day(tmp_path: Path) -> None:
    """Smoke is 2 seeds x 1 episode x 5 cells."""
    bench = make_bench(tmp_path, episodes_per_day=25)
    alice = bench.key("alice")
    made = [await bench.evaluate(headers=alice, steps=steps) for steps in (1, 2, 3)]
    assert [answer.status_code for answer in made] == [202, 202, 429]
    assert "has asked for 20 today, and this is 10 more" in made[2].json()["detail"]
    assert 0 < int(made[2].headers["retry-after"]) <= 24 * 3600 + 1
    tomorrow = datetime.now(UTC).replace(year=datetime.now(UTC).year + 1)
    later = Quotas(bench.context.settings, bench.store, now=lambda: tomorrow)
    with later.admitting("alice", EvaluationSpec.model_validate(BOXING)):
        pass


async def test_so_many_bytes_of_policies_are_kept(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, stored_bytes=10)
    alice = bench.key("alice")
    first = await bench.upload(b"1234567", headers=alice)
    refused = await bench.upload(b"abcd", headers=alice)
    assert (refused.status_code, refused.json()["code"]) == (403, "storage-quota-exceeded")
    assert "has 7, and this file has 4" in refused.json()["detail"]
    assert (await bench.upload(b"1234567", headers=alice)).status_code == 200
    assert (await bench.upload(b"abcd", headers=bench.key("bob"))).status_code == 201
    await bench.api.delete(f"/v1/policies/{first.json()['id']}", headers=alice)
    assert (await bench.upload(b"abcd", headers=alice)).status_code == 201


async def test_a_refused_evaluation_leaves_nothing(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, max_running=0)
    assert (await bench.evaluate()).status_code == 429
    assert [key for key in bench.stored() if "evaluations" in key] == []


def test_episodes_are_counted_as_they_are_played() -> None:
    spec = EvaluationSpec.model_validate({**BOXING, "epsilon": [1, 2], "attacks": ["none", "max"], "seeds": 4})
    assert episodes_of(spec) == 4 * 1 * 3
