"""POST /v1/evaluations/{id}/extend."""

from typing import Any

import pytest

from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import Plan
from saddlepoint.store import get_record
from tests.service.bench import Bench

pytestmark = pytest.mark.anyio


async def extend(bench: Bench, evaluation_id: str, **more: Any) -> Any:
    return await bench.api.post(f"/v1/evaluations/{evaluation_id}/extend", json=more)


async def evaluated(bench: Bench) -> str:
    return str((await bench.evaluate()).json()["id"])


def plan_of(bench: Bench, evaluation_id: str) -> Plan:
    return get_record(bench.store, keys.evaluation_plan(evaluation_id), Plan)


async def test_an_extension_is_a_new_evaluation_that_names_its_parent(bench: Bench) -> None:
    parent = await evaluated(bench)
    answer = await extend(bench, parent, seeds=40)
    extension = answer.json()
    assert answer.status_code == 202
    assert extension["id"] != parent
    assert extension["parent"] == parent
    assert extension["links"]["parent"] == f"/v1/evaluations/{parent}"
    assert answer.headers["location"] == f"/v1/evaluations/{extension['id']}"
    assert len(extension["spec"]["seeds"]) == 40


async def test_its_plan_keeps_width_and_precision_of_the_parents(bench: Bench) -> None:
    parent = await evaluated(bench)
    extension = (await extend(bench, parent, seeds=200, attacks=["kl"])).json()["id"]
    old, new = plan_of(bench, parent), plan_of(bench, extension)
    assert (new.precision, {shard.lanes for shard in new.shards}) == (old.precision, {old.shards[0].lanes})
    assert {cell.key for cell in old.cells} < {cell.key for cell in new.cells}


async def test_the_same_extension_is_the_same_evaluation(bench: Bench) -> None:
    parent = await evaluated(bench)
    first, second = [(await extend(bench, parent, seeds=3)).json()["id"] for _ in range(2)]
    assert first == second


async def test_an_extension_can_be_extended(bench: Bench) -> None:
    first = (await extend(bench, await evaluated(bench), seeds=3)).json()["id"]
    second = (await extend(bench, first, seeds=4)).json()
    assert (second["parent"], second["spec"]["seeds"]) == (first, [0, 1, 2, 3])


async def test_an_idempotency_key_stands_for_one_extension(bench: Bench) -> None:
    path, headers = f"/v1/evaluations/{await evaluated(bench)}/extend", {"Idempotency-Key": "k"}
    first = await bench.api.post(path, json={"seeds": 3}, headers=headers)
    again = await bench.api.post(path, json={"seeds": 3}, headers=headers)
    other = await bench.api.post(path, json={"seeds": 4}, headers=headers)
    assert first.json()["id"] == again.json()["id"]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-conflict")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({}, "invalid-spec"),
        ({"seeds": 1}, "invalid-spec"),
        ({"tier": "paper"}, "invalid-spec"),
        ({"attacks": ["xyz"]}, "unknown-attack"),
        ({"attacks": ["value"]}, "unsupported-attack"),
        ({"seeds": 10**8}, "too-many-episodes"),
    ],
)
async def test_a_faulty_extension_is_refused(bench: Bench, more: Any, code: str) -> None:
    parent = await evaluated(bench)
    stored = bench.stored()
    answer = await extend(bench, parent, **more)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert bench.stored() == stored


async def test_an_evaluation_that_waits_for_its_policy_cannot_be_extended_yet(bench: Bench) -> None:
    bench.workers.silent = True
    answer = await extend(bench, await evaluated(bench), seeds=3)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_an_evaluation_of_a_deleted_policy_cannot_be_extended(bench: Bench) -> None:
    evaluation = (await bench.evaluate()).json()
    await bench.api.delete(f"/v1/policies/{evaluation['policy_id']}")
    answer = await extend(bench, evaluation["id"], seeds=3)
    assert answer.status_code == 404


async def test_what_is_not_there_cannot_be_extended(bench: Bench) -> None:
    assert (await extend(bench, "nothing", seeds=3)).status_code == 404
