"""/v1/landscapes over the whole application."""

from pathlib import Path
from typing import Any

import pytest

from saddlepoint.endings import end
from saddlepoint.queue import CHUNK
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import Progress
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.store import get_record, put_record
from saddlepoint.work import LANDSCAPE
from tests.service.bench import Bench, make_bench

pytestmark = pytest.mark.anyio


async def ask(bench: Bench, *policies: str, **spec: Any) -> Any:
    named = list(policies) or [(await bench.upload()).json()["id"]]
    body = {"policy_ids": named, "env": "BoxingNoFrameskip-v4", "states": 100, **spec}
    return await bench.api.post("/v1/landscapes", json=body)


async def test_a_landscape_is_accepted_stored_and_queued(bench: Bench) -> None:
    policies = [(await bench.upload(data)).json()["id"] for data in (b"one", b"two")]
    answer = await ask(bench, *policies)
    found = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == found["links"]["self"] == f"/v1/landscapes/{found['id']}"
    assert found["progress"] == {"done": 0, "planned": 4}
    assert (found["spec"]["epsilon"], found["spec"]["step_size"]) == (4.0, 2.0)
    assert bench.queue.count(CHUNK) == 4


async def test_the_same_landscape_is_the_same_job(bench: Bench) -> None:
    first, again, other = [(await ask(bench, seed=seed)).json()["id"] for seed in (0, 0, 1)]
    assert first == again != other


async def test_a_result_comes_as_numbers_and_as_a_page(bench: Bench) -> None:
    job = (await ask(bench)).json()
    assert (await bench.api.get(job["links"]["result"])).status_code == 409
    for extension in ("json", "html"):
        bench.store.put(keys.job_result("landscape", job["id"], extension), extension.encode())
    end(bench.store, bench.queue, LANDSCAPE, job["id"], "succeeded", progress=Progress())
    bench.context.landscapes.forget(job["id"])
    numbers = await bench.api.get(job["links"]["result"])
    page = await bench.api.get(job["links"]["result"], params={"format": "html"})
    assert (numbers.content, page.content) == (b"json", b"html")
    assert "sandbox" in page.headers["content-security-policy"]


async def test_a_landscape_can_be_canceled(bench: Bench) -> None:
    job = (await ask(bench)).json()
    assert (await bench.api.post(job["links"]["cancel"])).json()["status"] == "canceled"


@pytest.mark.parametrize(
    ("spec", "status", "code"),
    [
        ({"policy_ids": []}, 422, "invalid-spec"),
        ({"policy_ids": ["nobody"]}, 404, "not-found"),
        ({"policy_ids": ["a", "a"]}, 422, "invalid-spec"),
        ({"epsilon": 0}, 422, "invalid-spec"),
        ({"epsilon": 5e-324}, 422, "invalid-spec"),
        ({"starts": 1}, 422, "invalid-spec"),
        ({"states": 100_000, "starts": 100, "steps": 100}, 422, "invalid-spec"),
        ({"env": "PongNoFrameskip-v4"}, 422, "action-mismatch"),
        ({"env": "CartPole-v1"}, 422, "invalid-epsilon"),
        ({"env": "CartPole-v1", "epsilon": 1}, 422, "observation-mismatch"),
        ({"epsilon_scale": [1, 2]}, 422, "invalid-epsilon"),
        ({"states": True}, 422, "invalid-spec"),
    ],
)
async def test_a_faulty_landscape_is_refused(bench: Bench, spec: dict[str, Any], status: int, code: str) -> None:
    answer = await ask(bench, **spec)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not [key for key in bench.stored() if key.startswith(("landscapes/", "active/landscapes/"))]


@pytest.mark.parametrize(
    ("update", "code"), [({"head": "action"}, "action-mismatch"), ({"states": [{"shape": [1]}]}, "unsupported-attack")]
)
async def test_a_policy_without_a_distribution_of_its_own_is_refused(
    bench: Bench, update: dict[str, Any], code: str
) -> None:
    policy = (await bench.upload()).json()["id"]
    key = keys.policy_card(policy)
    card = get_record(bench.store, key, PolicyCard).model_dump() | update
    bench.store.delete(key)
    put_record(bench.store, key, PolicyCard.model_validate(card))
    answer = await ask(bench, policy)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_owners_see_only_their_own(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, api_keys={"a": "ann", "b": "bob"})
    async with bench.api:
        ann, bob = {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}
        policy = (await bench.upload(headers=ann)).json()["id"]
        body = {"policy_ids": [policy], "env": "BoxingNoFrameskip-v4"}
        assert (await bench.api.post("/v1/landscapes", json=body, headers=bob)).status_code == 404
        job = (await bench.api.post("/v1/landscapes", json=body, headers=ann)).json()
        assert (await bench.api.get(job["links"]["self"], headers=bob)).status_code == 404
