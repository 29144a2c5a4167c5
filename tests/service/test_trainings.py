"""/v1/trainings over the whole application."""

import asyncio
from typing import Any

import pytest

from saddlepoint.endings import end
from saddlepoint.errors import NotFound
from saddlepoint.queue import CHUNK, TRAIN
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import Progress
from saddlepoint.schemas.policies import InputDescription
from saddlepoint.schemas.problems import problem_of
from saddlepoint.schemas.training_reports import training_report_id
from saddlepoint.schemas.trainings import DEFENSES, ProofPart, TrainingRecord
from saddlepoint.store import get_record, put_record
from saddlepoint.work import COMPARISON, TRAINING, TRAINING_REPORT
from service.snapshots import FRESH_S
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


async def test_a_parent_that_nobody_can_train_is_refused_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    card = bench.workers.card
    memory = {"states": [InputDescription(shape=(8,))]}
    monkeypatch.setattr(bench.workers, "card", lambda request: card(request).model_copy(update=memory))
    parent = (await bench.upload()).json()["id"]
    answer = await bench.api.post("/v1/trainings", json={**SPEC, "policy_id": parent})
    assert (answer.status_code, answer.json()["code"]) == (422, "unsupported-architecture")


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
        ({"evaluation": {"epsilon": -1}}, 422, "invalid-epsilon"),
        ({"evaluation": {"policy_id": "p"}}, 422, "invalid-spec"),
        ({"evaluation": {"env": "PongNoFrameskip-v4"}}, 422, "invalid-spec"),
        ({"evaluation": {"seedz": 1}}, 422, "invalid-spec"),
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


EVALUATION = {"epsilon": 2, "tier": "smoke"}


async def harden(bench: Bench, evaluation: dict[str, Any] = EVALUATION, **more: Any) -> Any:
    """A training from an uploaded policy, to be evaluated."""
    parent = (await bench.upload()).json()["id"]
    return await bench.api.post("/v1/trainings", json={**SPEC, "policy_id": parent, "evaluation": evaluation, **more})


async def test_a_training_that_is_to_be_evaluated_begins_with_its_parent(bench: Bench) -> None:
    body = (await harden(bench)).json()
    evaluation_id = body["proof"]["parent_evaluation"]
    assert body["proof"] == {
        "is_pending": True,
        "parent_evaluation": evaluation_id,
        "evaluation": None,
        "comparison": None,
        "error": None,
    }
    assert body["links"]["parent_evaluation"] == f"/v1/evaluations/{evaluation_id}"
    parent = (await bench.api.get(body["links"]["parent_evaluation"])).json()
    assert (parent["status"], parent["policy_id"]) == ("queued", body["spec"]["policy_id"])
    assert (parent["spec"]["epsilon"], parent["spec"]["env"]["id"]) == ([2.0], "BoxingNoFrameskip-v4")
    assert parent["spec"]["precision"] == "fp32"


async def test_the_evaluation_of_a_training_is_the_one_that_can_be_asked_for(bench: Bench) -> None:
    """So that whoever follows it step by step comes to the same ones."""
    body = (await harden(bench)).json()
    spec = {**body["spec"]["evaluation"], "policy_id": body["spec"]["policy_id"]}
    asked = await bench.api.post("/v1/evaluations", json=spec)
    assert asked.json()["id"] == body["proof"]["parent_evaluation"]


async def test_a_policy_of_q_values_and_what_is_trained_from_it_are_evaluated_alike(bench: Bench) -> None:
    """Left to themselves, the one would play its best action and the other sample, and nothing could be compared."""
    bench.workers.head = "q_values"
    decided = (await harden(bench)).json()["spec"]["evaluation"]
    assert decided["action_mode"] == "greedy"


async def test_a_training_is_the_same_however_it_is_evaluated(bench: Bench) -> None:
    evaluated = (await harden(bench)).json()
    again = (await harden(bench)).json()
    plain = {name: value for name, value in again["spec"].items() if name not in ("evaluation", "name")}
    without = (await bench.api.post("/v1/trainings", json=plain)).json()
    assert evaluated["id"] == again["id"] == without["id"]
    assert without["proof"]["parent_evaluation"] == evaluated["proof"]["parent_evaluation"]


async def test_a_training_is_evaluated_in_one_way(bench: Bench) -> None:
    await harden(bench)
    answer = await harden(bench, {"epsilon": 4, "tier": "smoke"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_a_training_that_is_there_may_still_be_evaluated(bench: Bench) -> None:
    parent = (await bench.upload()).json()["id"]
    before = (await bench.api.post("/v1/trainings", json={**SPEC, "policy_id": parent})).json()
    assert before["proof"] is None
    assert (await harden(bench)).json()["proof"]["parent_evaluation"]


async def test_what_follows_a_training_is_shown_after_its_end(bench: Bench) -> None:
    body = (await bench.api.post("/v1/trainings", json={**SPEC, "evaluation": EVALUATION})).json()
    end(bench.store, bench.queue, TRAINING, body["id"], "succeeded", policy_id="p1")
    assert (await bench.api.post("/v1/trainings", json=SPEC)).json()["status"] == "succeeded"
    put_record(bench.store, keys.training_proof_part(body["id"], "evaluation"), ProofPart(id="e1"))
    await asyncio.sleep(FRESH_S)
    shown = (await bench.api.get(body["links"]["self"])).json()
    assert shown["links"]["evaluation"] == "/v1/evaluations/e1"


async def test_an_attack_that_the_parent_cannot_be_met_with_is_refused(bench: Bench) -> None:
    answer = await harden(bench, {"attacks": ["value"], "tier": "smoke"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unsupported-attack")
    assert not [key for key in bench.stored() if "trainings/" in key or "proofs/" in key]


async def test_redis_away_leaves_nothing(bench: Bench) -> None:
    bench.queue.away = True
    answer = await bench.api.post("/v1/trainings", json=SPEC)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert bench.stored() == []


@pytest.mark.parametrize("path", ["", "/events"])
async def test_what_is_not_there_is_not_found(bench: Bench, path: str) -> None:
    answer = await bench.api.get(f"/v1/trainings/nothing{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_a_training_has_no_report_before_its_end(bench: Bench) -> None:
    body = (await bench.api.post("/v1/trainings", json=SPEC)).json()
    answer = await bench.api.get(body["links"]["report"])
    assert (answer.status_code, answer.json()["code"]) == (409, "report-not-ready")
    assert "is queued" in answer.json()["detail"]


def report(bench: Bench, training_id: str, comparison_id: str | None) -> None:
    """What a worker does."""
    report_id = training_report_id(training_id, comparison_id)
    for form in ("json", "html"):
        key = keys.job_result(TRAINING_REPORT.name, report_id, form)
        bench.store.put(key, f"{form} {comparison_id}".encode())
    end(bench.store, bench.queue, TRAINING_REPORT, report_id, "succeeded", progress=Progress())


async def test_a_report_that_lacks_is_begun_by_whoever_asks_for_it(bench: Bench) -> None:
    """The trainer may have died at its very end."""
    body = (await bench.api.post("/v1/trainings", json=SPEC)).json()
    end(bench.store, bench.queue, TRAINING, body["id"], "succeeded", policy_id="p1")
    bench.context.trainings.forget(body["id"])
    answers = [await bench.api.get(body["links"]["report"]) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert bench.queue.count(CHUNK) == 1
    report(bench, body["id"], None)
    ready = await bench.api.get(body["links"]["report"], params={"format": "html"})
    assert (ready.text, ready.headers["content-type"]) == ("html None", "text/html; charset=utf-8")
    assert "sandbox" in ready.headers["content-security-policy"]
    known = {"If-None-Match": ready.headers["etag"]}
    assert (await bench.api.get(body["links"]["report"], params={"format": "html"}, headers=known)).status_code == 304
    assert (await bench.api.get(body["links"]["report"], params={"format": "md"})).status_code == 406


async def test_the_report_with_the_comparison_takes_the_place_of_the_first(bench: Bench) -> None:
    body = (await harden(bench)).json()
    end(bench.store, bench.queue, TRAINING, body["id"], "succeeded", policy_id="p1")
    put_record(bench.store, keys.training_proof_part(body["id"], "comparison"), ProofPart(id="c1"))
    report(bench, body["id"], None)
    await asyncio.sleep(FRESH_S)
    assert (await bench.api.get(body["links"]["report"])).text == "json None"
    end(bench.store, bench.queue, COMPARISON, "c1", "succeeded", progress=Progress())
    first = await bench.api.get(body["links"]["report"])
    assert first.text == "json None"
    report(bench, body["id"], "c1")
    second = await bench.api.get(body["links"]["report"])
    assert (second.text, second.headers["etag"] != first.headers["etag"]) == ("json c1", True)


async def test_a_report_that_cannot_be_made_says_why(bench: Bench) -> None:
    body = (await bench.api.post("/v1/trainings", json=SPEC)).json()
    end(bench.store, bench.queue, TRAINING, body["id"], "succeeded", policy_id="p1")
    bench.context.trainings.forget(body["id"])
    problem = problem_of(NotFound("The policy was deleted."))
    end(bench.store, bench.queue, TRAINING_REPORT, training_report_id(body["id"], None), "failed", error=problem)
    answer = await bench.api.get(body["links"]["report"])
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert "The policy was deleted." in answer.json()["detail"]
