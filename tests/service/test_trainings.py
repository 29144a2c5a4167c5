"""/v1/trainings over the whole application."""

from typing import Any

import pytest

from saddlepoint.endings import end
from saddlepoint.queue import TRAIN
from saddlepoint.schemas import keys
from saddlepoint.schemas.trainings import DEFENSES, TrainingRecord
from saddlepoint.store import get_record
from saddlepoint.work import TRAINING
from tests.service.bench import Bench

pytestmark = pytest.mark.anyio
SPEC = {"env": "BoxingNoFrameskip-v4", "seed": 1, "config": {"steps": 100_000}}


async def test_a_training_is_stored_and_queued(bench: Bench) -> None:
    answer = await bench.api.post("/v1/trainings", json=SPEC)
    body = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/trainings/{body['id']}")
    assert (body["status"], body["spec"]["seed"]) == ("queued", 1)
    assert get_record(bench.store, keys.training_spec(body["id"]), TrainingRecord).owner == "default"
    assert bench.store.exists(keys.active_training(body["id"]))
    assert bench.queue.count(TRAIN) == 1


async def test_the_same_training_is_made_once_until_it_is_canceled(bench: Bench) -> None:
    first, second = [(await bench.api.post("/v1/trainings", json=SPEC)).json() for _ in range(2)]
    assert first["id"] == second["id"]
    canceled = [await bench.api.post(f"/v1/trainings/{first['id']}/cancel") for _ in range(2)]
    assert [answer.status_code for answer in canceled] == [202, 200]
    third = await bench.api.post("/v1/trainings", json=SPEC)
    assert third.json()["id"] != first["id"]


async def test_an_idempotency_key_brings_back_what_it_was_used_for(bench: Bench) -> None:
    key = {"Idempotency-Key": "k1"}
    first = (await bench.api.post("/v1/trainings", json=SPEC, headers=key)).json()
    await bench.api.post(f"/v1/trainings/{first['id']}/cancel")
    again = (await bench.api.post("/v1/trainings", json=SPEC, headers=key)).json()
    assert (again["id"], again["status"]) == (first["id"], "canceled")


async def test_an_idempotency_key_stands_for_one_training(bench: Bench) -> None:
    key = {"Idempotency-Key": "k1"}
    await bench.api.post("/v1/trainings", json=SPEC, headers=key)
    answer = await bench.api.post("/v1/trainings", json={**SPEC, "seed": 2}, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency-conflict")
    assert bench.queue.count(TRAIN) == 1


async def test_a_training_that_has_ended_names_its_policy(bench: Bench) -> None:
    training_id = (await bench.api.post("/v1/trainings", json=SPEC)).json()["id"]
    end(bench.store, bench.queue, TRAINING, training_id, "succeeded", policy_id="p1")
    answer = await bench.api.post("/v1/trainings", json=SPEC)
    assert (answer.status_code, answer.json()["policy_id"]) == (202, "p1")
    assert answer.json()["links"]["policy"] == "/v1/policies/p1"
    late = await bench.api.post(f"/v1/trainings/{training_id}/cancel")
    assert (late.status_code, late.json()["code"]) == (409, "already-ended")
    shown = await bench.api.get(f"/v1/trainings/{training_id}")
    assert shown.json()["status"] == "succeeded"


async def test_trainings_are_listed_newest_first(bench: Bench) -> None:
    made = [(await bench.api.post("/v1/trainings", json={**SPEC, "seed": seed})).json()["id"] for seed in (1, 2)]
    assert [item["id"] for item in (await bench.api.get("/v1/trainings")).json()["items"]] == made[::-1]


async def test_environments_with_actions_of_numbers_are_taken(bench: Bench) -> None:
    answer = await bench.api.post("/v1/trainings", json={**SPEC, "env": "Hopper-v5"})
    assert answer.status_code == 202


async def test_the_parent_must_fit_the_environment(bench: Bench) -> None:
    parent = (await bench.upload()).json()["id"]
    fits = await bench.api.post("/v1/trainings", json={**SPEC, "policy_id": parent})
    other = await bench.api.post("/v1/trainings", json={**SPEC, "policy_id": parent, "env": "PongNoFrameskip-v4"})
    assert fits.status_code == 202
    assert (other.status_code, other.json()["code"]) == (422, "action-mismatch")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"method": "magic"}, 422, "invalid-spec"),
        ({"env": "ChessNoFrameskip-v4"}, 422, "unknown-environment"),
        ({"env": "Nowhere-v0"}, 422, "unknown-environment"),
        ({"config": {"steps": 0}}, 422, "invalid-spec"),
        ({"config": {"stepz": 1}}, 422, "invalid-spec"),
        ({"policy_id": "nobody"}, 404, "not-found"),
        (
            {"method": "atpa", "env": "CartPole-v1", "config": {"epsilon": 1, "epsilon_scale": [1, 2]}},
            422,
            "invalid-epsilon",
        ),
    ],
)
async def test_a_faulty_training_is_refused(bench: Bench, change: dict[str, Any], status: int, code: str) -> None:
    answer = await bench.api.post("/v1/trainings", json={**SPEC, **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert [key for key in bench.stored() if not key.startswith("environments/")] == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"method": "magic"},
            "method: Input should be 'standard', 'atpa', 'stagewise', 'dataaugment', 'sa_ppo' or 'radial', got 'magic'",
        ),
        (
            {"method": "atpa", "config": {"epsilon": -1}},
            "epsilon: Input should be greater than or equal to 0, got -1",
        ),
        (
            {"method": "atpa", "env": "CartPole-v1", "config": {"epsilon": 1, "epsilon_scale": [1, -2, 1, 1]}},
            "epsilon_scale.1: Input should be greater than or equal to 0, got -2",
        ),
        (
            {"config": {"minibatch": 500}},
            "minibatch must divide actors x horizon = 16 x 128 = 2048, and 500 does not. Choose a divisor of 2048.",
        ),
        (
            {"method": "dataaugment", "config": {"augmented_share": 1.5}},
            "augmented_share: Input should be less than or equal to 1, got 1.5",
        ),
        *(
            (
                {"method": method, "env": "CartPole-v1"},
                f"{method} trains in a ball around each observation, and CartPole-v1 has no usual radius for it; "
                "give config.epsilon, in units of the observation.",
            )
            for method, defense in DEFENSES.items()
            if defense.adversarial
        ),
    ],
)
async def test_what_is_wrong_with_a_training_is_told(bench: Bench, change: dict[str, Any], told: str) -> None:
    answer = await bench.api.post("/v1/trainings", json={**SPEC, **change})
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert bench.queue.count(TRAIN) == 0


async def test_a_game_has_a_usual_radius(bench: Bench) -> None:
    answer = await bench.api.post("/v1/trainings", json={**SPEC, "method": "radial"})
    assert answer.status_code == 202


async def test_redis_away_leaves_nothing(bench: Bench) -> None:
    bench.queue.away = True
    answer = await bench.api.post("/v1/trainings", json=SPEC)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert bench.stored() == []


@pytest.mark.parametrize("path", ["", "/events"])
async def test_what_is_not_there_is_not_found(bench: Bench, path: str) -> None:
    answer = await bench.api.get(f"/v1/trainings/nothing{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
