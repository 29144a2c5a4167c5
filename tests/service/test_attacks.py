"""/v1/attacks over the whole application."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saddlepoint.endings import end
from saddlepoint.queue import CHUNK, Task
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import Progress
from saddlepoint.work import ATTACK
from tests.service.bench import Bench, make_bench

pytestmark = pytest.mark.anyio
CE = {"kind": "ce", "epsilon": 4.0}


def npy(rows: int = 2, shape: tuple[int, ...] = (4, 84, 84), dtype: str = "uint8") -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((rows, *shape), dtype))
    return buffer.getvalue()


async def attack(
    bench: Bench, data: bytes | None = None, policy: str | None = None, headers: Any = None, **spec: Any
) -> Any:
    policy = (await bench.upload()).json()["id"] if policy is None else policy
    form: dict[str, Any] = {
        "policy_id": (None, policy),
        "spec": (None, json.dumps({**CE, **spec})),
        "observations": ("x.npy", npy() if data is None else data),
    }
    return await bench.api.post("/v1/attacks", files=form, headers={"Prefer": "wait=0"} | (headers or {}))


def working(bench: Bench) -> None:
    """Let workers do chunks at once."""
    rest = bench.queue.run

    def run(task: Task, arguments: tuple[str, ...]) -> None:
        if task != CHUNK:
            rest(task, arguments)
            return
        kind, job_id, chunk = arguments
        bench.store.put(keys.job_chunk(kind, job_id, int(chunk)), b"chunk")
        bench.store.put(keys.job_result(kind, job_id, "npz"), b"the result")
        end(bench.store, bench.queue, ATTACK, job_id, "succeeded", progress=Progress())

    bench.queue.run = run


async def test_an_attack_is_accepted_stored_and_queued(bench: Bench) -> None:
    data = npy(300)
    answer = await attack(bench, data)
    found = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == found["links"]["self"] == f"/v1/attacks/{found['id']}"
    assert (found["status"], found["progress"]) == ("queued", {"done": 0, "planned": 2})
    assert found["array"] == {"shape": [300, 4, 84, 84], "dtype": "uint8"}
    assert bench.store.get(keys.job_input("attack", found["id"])) == data
    assert bench.queue.count(CHUNK) == 2
    assert bench.spooled() == []


async def test_the_same_attack_is_the_same_job(bench: Bench) -> None:
    first, again, other = [(await attack(bench, seed=seed)).json()["id"] for seed in (0, 0, 1)]
    assert first == again != other


async def test_what_is_done_in_time_is_answered_at_once(bench: Bench) -> None:
    working(bench)
    answer = await attack(bench)
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    result = await bench.api.get(answer.json()["links"]["result"])
    assert (result.status_code, result.content) == (200, b"the result")
    assert result.headers["content-type"] == "application/x-npz"


async def test_the_result_itself_can_be_asked_for(bench: Bench) -> None:
    working(bench)
    answer = await attack(bench, headers={"Accept": "application/x-npz"})
    assert (answer.status_code, answer.content) == (200, b"the result")


async def test_a_result_that_is_not_there_is_a_conflict(bench: Bench) -> None:
    answer = await bench.api.get((await attack(bench)).json()["links"]["result"])
    assert (answer.status_code, answer.json()["code"]) == (409, "report-not-ready")


async def test_an_attack_can_be_canceled_and_made_again(bench: Bench) -> None:
    first = (await attack(bench)).json()
    canceled = await bench.api.post(first["links"]["cancel"])
    assert (canceled.status_code, canceled.json()["status"]) == (202, "canceled")
    assert (await attack(bench)).json()["id"] != first["id"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"data": npy(2, (4, 42, 42))}, 422, "observation-mismatch"),
        ({"data": npy(0)}, 413, "body-too-large"),
        ({"data": b""}, 422, "invalid-request"),
        ({"data": b"\x93NUMPY"}, 422, "invalid-request"),
        ({"policy": "nobody"}, 404, "not-found"),
        ({"policy": "../etc"}, 422, "invalid-request"),
        ({"epsilon": None}, 422, "invalid-epsilon"),
        ({"epsilon": -1}, 422, "invalid-epsilon"),
        ({"epsilon": [1, 2]}, 422, "invalid-spec"),
        ({"kind": "xyz"}, 422, "unknown-attack"),
        ({"kind": "value"}, 422, "unsupported-attack"),
        ({"frame_consistent": True}, 422, "unsupported-attack"),
        ({"low": 3, "high": 1}, 422, "invalid-spec"),
        ({"seed": True}, 422, "invalid-spec"),
        ({"epsilon_scale": [1, 2]}, 422, "invalid-epsilon"),
        ({"steps": 1000, "restarts": 50, "data": npy(500)}, 422, "invalid-spec"),
    ],
)
async def test_a_faulty_attack_is_refused(bench: Bench, change: dict[str, Any], status: int, code: str) -> None:
    answer = await attack(bench, **change)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not [key for key in bench.stored() if key.startswith(("attacks/", "active/attacks/"))]
    assert bench.spooled() == []


async def test_a_form_without_observations_is_refused(bench: Bench) -> None:
    form = {"policy_id": (None, "p"), "spec": (None, json.dumps(CE))}
    answer = await bench.api.post("/v1/attacks", files=form)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert "observations" in answer.json()["detail"]


async def test_owners_see_only_their_own(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, api_keys={"a": "ann", "b": "bob"})
    async with bench.api:
        ann, bob = {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}
        policy = (await bench.upload(headers=ann)).json()["id"]
        assert (await attack(bench, policy=policy, headers=bob)).status_code == 404
        own = (await attack(bench, policy=policy, headers=ann)).json()["links"]
        for path in (own["self"], own["result"]):
            assert (await bench.api.get(path, headers=bob)).status_code == 404


async def test_the_catalogue_is_still_there(bench: Bench) -> None:
    assert "parameters" in (await bench.api.get("/v1/attacks")).json()
