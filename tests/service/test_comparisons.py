"""/v1/comparisons over the whole application."""

from pathlib import Path
from typing import Any

import pytest

from saddlepoint.endings import end
from saddlepoint.queue import CHUNK
from saddlepoint.schemas import keys
from saddlepoint.schemas.comparisons import ComparisonSummary
from saddlepoint.schemas.evaluations import Progress
from saddlepoint.store import put_record
from saddlepoint.work import COMPARISON
from tests.service.bench import Bench, make_bench

pytestmark = pytest.mark.anyio


async def evaluated(bench: Bench, data: bytes, headers: dict[str, str] | None = None, **spec: Any) -> str:
    """The id of an evaluation that has succeeded."""
    evaluation_id = (await bench.evaluate(data, headers=headers, **spec)).json()["id"]
    bench.finish(evaluation_id)
    return str(evaluation_id)


async def ask(bench: Bench, baseline: list[str], candidate: list[str], headers: dict[str, str] | None = None) -> Any:
    body = {"baseline": baseline, "candidate": candidate}
    return await bench.api.post("/v1/comparisons", json=body, headers=headers)


def finish(bench: Bench, comparison_id: str) -> None:
    """What a worker does."""
    for extension in ("json", "html", "md"):
        bench.store.put(keys.job_result("comparison", comparison_id, extension), extension.encode())
    put_record(bench.store, keys.job_summary("comparison", comparison_id), ComparisonSummary(verdict="Better."))
    end(bench.store, bench.queue, COMPARISON, comparison_id, "succeeded", progress=Progress())
    bench.context.comparisons.forget(comparison_id)


async def test_a_comparison_is_accepted_stored_and_queued(bench: Bench) -> None:
    parent, *children = [await evaluated(bench, data) for data in (b"one", b"two", b"three")]
    answer = await ask(bench, [parent], children)
    found = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == found["links"]["self"] == f"/v1/comparisons/{found['id']}"
    assert found["spec"] == {"baseline": [parent], "candidate": children}
    assert (found["status"], found["verdict"]) == ("queued", None)
    assert bench.queue.count(CHUNK) == 1
    assert bench.store.exists(keys.active_job("comparison", found["id"]))


async def test_the_same_evaluations_are_compared_once_until_that_is_canceled(bench: Bench) -> None:
    one, two = await evaluated(bench, b"one"), await evaluated(bench, b"two")
    first, again, other = [(await ask(bench, *sides)).json() for sides in (([one], [two]),) * 2 + (([two], [one]),)]
    assert first["id"] == again["id"] != other["id"]
    assert (await bench.api.post(first["links"]["cancel"])).json()["status"] == "canceled"
    assert (await ask(bench, [one], [two])).json()["id"] != first["id"]


async def test_several_methods_are_compared_by_name(bench: Bench) -> None:
    one, two, three = [await evaluated(bench, data) for data in (b"one", b"two", b"three")]
    groups = {"standard": [one], "atpa": [two, three]}
    answer = await bench.api.post("/v1/comparisons", json={"groups": groups})
    assert (answer.status_code, answer.json()["spec"]) == (202, {"groups": groups})
    again = await bench.api.post("/v1/comparisons", json={"groups": groups})
    turned = await bench.api.post("/v1/comparisons", json={"groups": dict(reversed(groups.items()))})
    assert again.json()["id"] == answer.json()["id"] != turned.json()["id"]
    finish(bench, answer.json()["id"])
    assert (await bench.api.get(answer.json()["links"]["result"], params={"format": "html"})).text == "html"


@pytest.mark.parametrize("path", ["/result", ""])
async def test_a_result_comes_as_numbers_as_a_page_and_as_a_table(bench: Bench, path: str) -> None:
    job = (await ask(bench, [await evaluated(bench, b"one")], [await evaluated(bench, b"two")])).json()
    url = f"{job['links']['self']}{path}"
    early = await bench.api.get(url, params={"format": "json"})
    assert (early.status_code, early.json()["code"]) == (409, "report-not-ready")
    finish(bench, job["id"])
    answers = {form: await bench.api.get(url, params={"format": form}) for form in ("json", "html", "md")}
    assert {form: answer.text for form, answer in answers.items()} == {"json": "json", "html": "html", "md": "md"}
    assert "sandbox" in answers["html"].headers["content-security-policy"]
    assert answers["md"].headers["content-type"] == "text/markdown; charset=utf-8"
    assert (await bench.api.get(url, params={"format": "pdf"})).status_code == 406
    assert (await bench.api.get(job["links"]["self"])).json()["verdict"] == "Better."


async def test_the_accept_header_chooses_too(bench: Bench) -> None:
    job = (await ask(bench, [await evaluated(bench, b"one")], [await evaluated(bench, b"two")])).json()
    finish(bench, job["id"])
    assert (await bench.api.get(job["links"]["result"])).text == "json"
    assert (await bench.api.get(job["links"]["result"], headers={"Accept": "text/markdown"})).text == "md"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tier": "quick"}, "seeds"),
        ({"epsilon": 8}, "attacks.random@4"),
        ({"env": "ALE/Boxing-v5"}, "env.id"),
        ({"action_mode": "greedy"}, "attacks.none.action_mode"),
        ({"precision": "bf16"}, "precision"),
    ],
)
async def test_evaluations_that_differ_in_more_than_the_policy_are_refused(
    bench: Bench, change: dict[str, Any], field: str
) -> None:
    one, other = await evaluated(bench, b"one"), await evaluated(bench, b"two", **change)
    answer = await ask(bench, [one], [other])
    assert (answer.status_code, answer.json()["code"]) == (422, "not-comparable")
    assert f"; {field} is " in answer.json()["detail"]
    assert not [key for key in bench.stored() if "comparisons/" in key]


async def test_an_evaluation_that_goes_on_or_was_canceled_cannot_be_compared(bench: Bench) -> None:
    one = await evaluated(bench, b"one")
    running = (await bench.evaluate(b"two")).json()["id"]
    answer = await ask(bench, [one], [running])
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "goes on" in answer.json()["detail"]
    await bench.api.post(f"/v1/evaluations/{running}/cancel")
    detail = (await ask(bench, [one], [running])).json()["detail"]
    assert "was canceled" in detail


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"baseline": [], "candidate": ["a"]}, 422, "invalid-spec"),
        ({"baseline": ["a"]}, 422, "invalid-spec"),
        ({"baseline": ["a"], "candidate": ["a"]}, 422, "invalid-spec"),
        ({"baseline": ["a"], "candidate": ["b"]}, 404, "not-found"),
        ({"baseline": ["../secret"], "candidate": ["b"]}, 404, "not-found"),
        ({"groups": {"a": ["x"]}}, 422, "invalid-spec"),
        ({"groups": {"a": ["x"], "b": ["x"]}}, 422, "invalid-spec"),
        ({"groups": {"a": ["x"], "b": ["y"]}, "baseline": ["x"]}, 422, "invalid-spec"),
        ({"groups": {"a": ["x"], "b": ["y"]}}, 404, "not-found"),
        ({"groups": 3}, 422, "invalid-spec"),
        ({"baseline": ["a"], "candidate": [str(number) for number in range(51)]}, 422, "invalid-spec"),
    ],
)
async def test_a_faulty_comparison_is_refused(bench: Bench, body: dict[str, Any], status: int, code: str) -> None:
    answer = await bench.api.post("/v1/comparisons", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_redis_away_leaves_nothing(bench: Bench) -> None:
    one, two = await evaluated(bench, b"one"), await evaluated(bench, b"two")
    bench.queue.away = True
    assert (await ask(bench, [one], [two])).status_code == 503
    assert not [key for key in bench.stored() if "comparisons/" in key]


async def test_owners_compare_and_see_only_their_own(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, api_keys={"a": "ann", "b": "bob"})
    async with bench.api:
        ann, bob = {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}
        one, two = [await evaluated(bench, data, headers=ann) for data in (b"one", b"two")]
        assert (await ask(bench, [one], [two], headers=bob)).status_code == 404
        job = (await ask(bench, [one], [two], headers=ann)).json()
        for url in (job["links"]["self"], job["links"]["result"]):
            assert (await bench.api.get(url, headers=bob)).status_code == 404
