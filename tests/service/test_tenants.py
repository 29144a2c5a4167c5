"""What belongs to another tenant does not exist, whichever route asks for it and whatever the key is good for."""

from typing import Any

import pytest

from service.scopes import SCOPE_OF
from tests.service.bench import BOXING, Bench
from tests.service.test_attacks import attack
from tests.service.test_comparisons import evaluated
from tests.service.test_trainings import SPEC as TRAINING
from tests.standings import board, fill, standing

pytestmark = pytest.mark.anyio
NAMED = [(method, path) for method, path in SCOPE_OF if "_id}" in path]
BODIES: dict[str, Any] = {"/v1/evaluations/{evaluation_id}/extend": {"epsilon": [1.0, 2.0]}}


async def things_of(bench: Bench, owner: dict[str, str]) -> dict[str, str]:
    """The id of one thing of each kind, by the name that paths have for it; `owner` is bob's key."""
    one, two = [await evaluated(bench, data, owner) for data in (b"one", b"two")]
    policy_id = (await bench.api.get(f"/v1/evaluations/{one}", headers=owner)).json()["policy_id"]

    async def made(path: str, body: dict[str, Any]) -> str:
        answer = await bench.api.post(path, json=body, headers=owner)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    told = await bench.evaluate(headers={**owner, "Webhook-Url": "https://example.com/"})
    fill(bench.folder / "store", board(), [standing(0, 5.0)], owner="bob")
    return {
        "board_id": board().id,
        "webhook_id": told.headers["webhook-id"],
        "evaluation_id": one,
        "other_id": two,
        "policy_id": policy_id,
        "training_id": await made("/v1/trainings", TRAINING),
        "landscape_id": await made("/v1/landscapes", {"policy_ids": [policy_id], "env": BOXING["env"], "states": 100}),
        "comparison_id": await made("/v1/comparisons", {"baseline": [one], "candidate": [two]}),
        "attack_id": (await attack(bench, policy=policy_id, headers=owner)).json()["id"],
    }


async def test_a_foreign_id_is_not_found(bench: Bench) -> None:
    ids = await things_of(bench, bench.key("bob"))
    alice, before = {**bench.key("alice"), "Prefer": "wait=0"}, bench.stored()
    for method, path in NAMED:
        answer = await bench.api.request(method, path.format(**ids), json=BODIES.get(path), headers=alice)
        assert (method, path, answer.status_code, answer.json()["code"]) == (method, path, 404, "not-found")
    assert bench.stored() == before


async def test_to_its_owner_it_is_there(bench: Bench) -> None:
    bob = {**bench.key("bob"), "Prefer": "wait=0"}
    ids = await things_of(bench, bob)
    await bench.api.post(f"/v1/trainings/{ids['training_id']}/cancel", headers=bob)  # ends its events
    for method, path in sorted(NAMED, key=lambda route: ("GET", "POST", "DELETE").index(route[0])):
        answer = await bench.api.request(method, path.format(**ids), json=BODIES.get(path), headers=bob)
        assert (method, path, answer.status_code in (200, 202, 204, 409)) == (method, path, True)


async def test_bodies_name_no_foreign_ids_either(bench: Bench) -> None:
    bob, alice = bench.key("bob"), bench.key("alice")
    ids = await things_of(bench, bob)
    evaluation = {**BOXING, "policy_id": ids["policy_id"]}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/v1/evaluations", evaluation),
        ("/v1/trainings", {**TRAINING, "policy_id": ids["policy_id"]}),
        ("/v1/landscapes", {"policy_ids": [ids["policy_id"]], "env": BOXING["env"]}),
        ("/v1/comparisons", {"baseline": [ids["evaluation_id"]], "candidate": [ids["other_id"]]}),
    ]
    for path, body in asked:
        answer = await bench.api.post(path, json=body, headers=alice)
        assert (path, answer.status_code) == (path, 404)
    assert (await attack(bench, policy=ids["policy_id"], headers=alice)).status_code == 404


@pytest.mark.parametrize("path", ["/v1/evaluations", "/v1/policies", "/v1/trainings"])
async def test_lists_hold_what_is_ones_own(bench: Bench, path: str) -> None:
    await things_of(bench, bench.key("bob"))
    assert (await bench.api.get(path, headers=bench.key("alice"))).json()["items"] == []


async def test_the_same_file_of_two_tenants_is_two_policies(bench: Bench) -> None:
    made = [(await bench.upload(headers=bench.key(tenant))).json()["id"] for tenant in ("alice", "bob")]
    assert made[0] != made[1]
