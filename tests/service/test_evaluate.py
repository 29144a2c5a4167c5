"""POST /evaluate: what becomes of a form."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from saddlepoint.errors import (
    ArchitectureMismatch,
    NonFiniteWeights,
    PolicyRejected,
    UnsafePickle,
    UnsupportedFormat,
)
from saddlepoint.queue import SHARD, VALIDATE
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import EvaluationRecord
from saddlepoint.schemas.plans import Plan
from saddlepoint.store import get_record
from tests.service.bench import BOXING, Bench

pytestmark = pytest.mark.anyio
SPEC = (None, json.dumps(BOXING))


async def test_a_file_and_a_spec_become_an_evaluation(bench: Bench) -> None:
    answer = await bench.evaluate()
    body = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/evaluations/{body['id']}")
    assert (body["status"], body["progress"]["episodes_planned"]) == ("queued", 17)
    record = get_record(bench.store, keys.evaluation_spec(body["id"]), EvaluationRecord)
    plan = get_record(bench.store, keys.evaluation_plan(body["id"]), Plan)
    assert (record.owner, record.policy_id, plan.policy_id) == ("default", body["policy_id"], body["policy_id"])
    assert bench.queue.count(SHARD) == len(plan.shards)


async def test_nothing_of_the_upload_is_left(bench: Bench) -> None:
    await bench.evaluate()
    assert [key for key in bench.stored() if key.startswith(keys.UPLOADS)] == []
    assert bench.spooled() == []


async def test_the_parts_may_come_in_any_order(bench: Bench) -> None:
    spec_last = await bench.api.post("/evaluate", files={"policy": ("p", b"a policy"), "spec": SPEC})
    spec_first = await bench.api.post("/evaluate", files={"spec": SPEC, "policy": ("p", b"a policy")})
    assert spec_last.json()["id"] == spec_first.json()["id"]


async def test_the_card_part_reaches_the_policy(bench: Bench) -> None:
    card = (None, '{"name": "mine", "pixel_scale": 255}')
    answer = await bench.api.post("/evaluate", files={"card": card, "spec": SPEC, "policy": ("p", b"a policy")})
    shown = await bench.api.get(f"/v1/policies/{answer.json()['policy_id']}")
    assert (shown.json()["name"], shown.json()["hints"]["pixel_scale"]) == ("mine", 255.0)


async def test_the_same_file_and_spec_are_the_same_evaluation(bench: Bench) -> None:
    first, second = (
        await bench.evaluate(),
        await bench.evaluate(epsilon=4, attacks=["none", "random", "max", "min", "ce"]),
    )
    assert first.json()["id"] == second.json()["id"]
    assert (bench.queue.count(VALIDATE), len(bench.workers.validated)) == (1, 1)


async def test_another_spec_is_another_evaluation(bench: Bench) -> None:
    assert (await bench.evaluate()).json()["id"] != (await bench.evaluate(epsilon=2)).json()["id"]


async def test_a_thousand_equal_posts_at_once_are_one_evaluation(bench: Bench) -> None:
    answers = await asyncio.gather(*(bench.evaluate() for _ in range(1000)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(list(bench.store.list(keys.evaluation_index_prefix("default")))) == 1
    assert bench.queue.count(VALIDATE) == 1
    assert bench.spooled() == []


async def test_what_has_succeeded_is_accepted_again_and_not_made_again(bench: Bench) -> None:
    first = await bench.evaluate()
    bench.finish(first.json()["id"])
    second = await bench.evaluate()
    assert (second.status_code, second.json()["id"], second.json()["status"]) == (
        202,
        first.json()["id"],
        "succeeded",
    )


async def test_what_was_canceled_is_made_again(bench: Bench) -> None:
    first = await bench.evaluate()
    await bench.api.post(f"/v1/evaluations/{first.json()['id']}/cancel")
    second = await bench.evaluate()
    assert second.json()["id"] != first.json()["id"]
    assert second.json()["status"] == "queued"


async def test_an_idempotency_key_brings_back_what_it_was_used_for(bench: Bench) -> None:
    key = {"Idempotency-Key": "k1"}
    first = await bench.evaluate(headers=key)
    await bench.api.post(f"/v1/evaluations/{first.json()['id']}/cancel")
    again = await bench.evaluate(headers=key)
    assert (again.json()["id"], again.json()["status"]) == (first.json()["id"], "canceled")


@pytest.mark.parametrize("other", [{"data": b"another policy"}, {"epsilon": 2}])
async def test_an_idempotency_key_stands_for_one_request(bench: Bench, other: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "k1"}
    await bench.evaluate(headers=key)
    answer = await bench.evaluate(headers=key, **other)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency-conflict")


async def test_of_two_requests_with_one_key_at_once_one_is_refused_and_leaves_nothing(bench: Bench) -> None:
    await bench.upload()
    key = {"Idempotency-Key": "k1"}
    answers = await asyncio.gather(*(bench.evaluate(headers=key, epsilon=epsilon) for epsilon in range(1, 9)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 7
    assert len(list(bench.store.list(keys.EVALUATIONS, start_after=""))) == 3


async def test_without_a_verdict_in_time_the_evaluation_is_accepted_and_waits(bench: Bench) -> None:
    bench.workers.silent = True
    answer = await bench.evaluate()
    record = get_record(bench.store, keys.evaluation_spec(answer.json()["id"]), EvaluationRecord)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert record.upload_id is not None
    assert bench.store.get(keys.upload_file(record.upload_id)) == b"a policy"
    assert not bench.store.exists(keys.evaluation_plan(record.id))


async def test_an_environment_that_is_no_atari_game_is_looked_at_by_a_worker(bench: Bench) -> None:
    bench.workers.shape, bench.workers.actions = (4,), 2
    answer = await bench.evaluate(env="CartPole-v1", epsilon=0.1)
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("env", "code"), [("Nowhere-v0", "unknown-environment"), ("CartPole-v1", "invalid-epsilon"), (7, "invalid-spec")]
)
async def test_an_unknown_environment_is_told_before_a_missing_epsilon(bench: Bench, env: object, code: str) -> None:
    for answer in (
        await bench.evaluate(env=env),
        await bench.api.post("/v1/evaluations", json={"env": env, "policy_id": "p"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_missing_epsilon_is_told_where_no_worker_knows_the_environment(bench: Bench) -> None:
    bench.workers.silent = True
    answer = await bench.evaluate(env="CartPole-v1")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-epsilon")


async def test_an_environment_that_no_worker_looks_at_in_time_is_unavailable_and_nothing_is_kept(bench: Bench) -> None:
    bench.workers.silent = True
    answer = await bench.evaluate(env="CartPole-v1", epsilon=0.1)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "CartPole-v1" in answer.json()["detail"]
    assert (bench.stored(), bench.spooled()) == ([], [])


async def test_redis_away_is_said_before_the_file_is_taken(bench: Bench) -> None:
    bench.queue.away = True
    answer = await bench.evaluate()
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert bench.stored() == []


async def test_a_queue_that_breaks_while_the_upload_is_kept_leaves_nothing(bench: Bench) -> None:
    def fail(*arguments: object) -> None:
        bench.queue.away = True
        bench.queue.ping()

    bench.queue.run = fail
    answer = await bench.evaluate()
    assert answer.status_code == 503
    assert (bench.stored(), bench.spooled()) == ([], [])


BAD_SPECS: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "unknown game": ({"env": "ChessNoFrameskip-v4"}, 422, "unknown-environment", "GET /v1/environments"),
    "unknown environment": ({"env": "Nowhere-v0", "epsilon": 1}, 422, "unknown-environment", "Nowhere-v0"),
    "unknown attack": ({"attacks": [{"kind": "nuke"}]}, 422, "unknown-attack", "'nuke'"),
    "negative epsilon": ({"epsilon": -1}, 422, "invalid-epsilon", "got -1"),
    "a million episodes": ({"seeds": 1000, "episodes_per_seed": 1000}, 422, "too-many-episodes", "5,000,000"),
    "empty seeds": ({"seeds": []}, 422, "invalid-seeds", "at least one seed"),
    "a field too many": ({"epsilom": 1}, 422, "invalid-spec", "epsilom"),
    "a policy id": ({"policy_id": "x"}, 422, "invalid-spec", "/v1/evaluations"),
}


@pytest.mark.parametrize("name", BAD_SPECS)
@pytest.mark.parametrize("first", ["spec", "policy"])
async def test_a_faulty_spec_is_refused_and_nothing_is_kept(bench: Bench, name: str, first: str) -> None:
    fields, status, code, said = BAD_SPECS[name]
    spec, policy = ("spec", (None, json.dumps({**BOXING, **fields}))), ("policy", ("p", b"a policy"))
    answer = await bench.api.post("/evaluate", files=[spec, policy] if first == "spec" else [policy, spec])
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert said in answer.json()["detail"]
    assert [key for key in bench.stored() if not key.startswith("environments/")] == []
    assert bench.spooled() == []


BAD_FILES: dict[str, PolicyRejected] = {
    "wrong format": UnsupportedFormat("A policy is ONNX, safetensors or a zip; this is none. Export it as ONNX."),
    "pickle": UnsafePickle("A file may hold weights only, this one holds code. Save a state dict."),
    "NaN": NonFiniteWeights("Weights must be finite, `conv1.weight` holds NaN. Train it again."),
    "shapes": ArchitectureMismatch("hidden.weight must be (512, 3136), got (512, 1). Save it again."),
}


@pytest.mark.parametrize("name", BAD_FILES)
async def test_a_refused_file_is_answered_with_the_validators_problem_and_nothing_is_kept(
    bench: Bench, name: str
) -> None:
    bench.workers.problem = BAD_FILES[name]
    answer = await bench.evaluate()
    assert (answer.status_code, answer.json()["code"]) == (BAD_FILES[name].status, BAD_FILES[name].code)
    assert answer.json()["detail"] == BAD_FILES[name].message
    assert answer.json()["instance"] == "/evaluate"
    assert (bench.stored(), bench.spooled()) == ([], [])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda workers: setattr(workers, "actions", 6), "action-mismatch"),
        (lambda workers: setattr(workers, "shape", (3, 84, 84)), "observation-mismatch"),
    ],
)
async def test_a_policy_that_does_not_fit_is_refused_with_expected_and_actual(
    bench: Bench, change: Callable[[object], None], code: str
) -> None:
    change(bench.workers)
    answer = await bench.evaluate()
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [key for key in bench.stored() if not key.startswith(("policies/", "index/default/policies/"))] == []


@pytest.mark.parametrize(
    ("files", "status", "code"),
    [
        ({"policy": ("p", b"a policy")}, 422, "invalid-request"),
        ({"spec": SPEC}, 422, "invalid-request"),
        ({"spec": SPEC, "policy": ("p", b"")}, 400, "malformed-policy"),
        ({"spec": (None, "{"), "policy": ("p", b"x")}, 400, "malformed-request"),
        ({"spec": SPEC, "surprise": (None, "1"), "policy": ("p", b"x")}, 422, "invalid-request"),
        ([("spec", SPEC), ("spec", SPEC), ("policy", ("p", b"x"))], 422, "invalid-request"),
        ({"spec": (None, b" " * (2**20 + 1)), "policy": ("p", b"x")}, 413, "body-too-large"),
        ({"card": (None, '{"layout": "x"}'), "spec": SPEC, "policy": ("p", b"x")}, 422, "invalid-spec"),
    ],
)
async def test_a_faulty_form_is_refused_and_nothing_is_kept(bench: Bench, files: Any, status: int, code: str) -> None:
    answer = await bench.api.post("/evaluate", files=files)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (bench.stored(), bench.spooled()) == ([], [])


async def test_a_body_that_is_no_form_is_unsupported(bench: Bench) -> None:
    answer = await bench.api.post("/evaluate", json=BOXING)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")
