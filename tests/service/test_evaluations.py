"""/v1/evaluations over the whole application."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from saddlepoint.endings import end
from saddlepoint.errors import NonFiniteWeights
from saddlepoint.queue import SHARD
from saddlepoint.schemas import keys
from saddlepoint.schemas.problems import problem_of
from saddlepoint.work import EVALUATION
from tests.service.bench import BOXING, Bench, cell, make_bench

pytestmark = pytest.mark.anyio


async def accepted(bench: Bench, **spec: Any) -> str:
    return str((await bench.evaluate(**spec)).json()["id"])


async def test_a_policy_that_was_uploaded_is_evaluated_by_its_id(bench: Bench) -> None:
    card = (await bench.upload()).json()
    answer = await bench.api.post("/v1/evaluations", json={**BOXING, "policy_id": card["id"]})
    assert (answer.status_code, answer.json()["policy_id"]) == (202, card["id"])
    assert answer.json()["id"] == await accepted(bench)


@pytest.mark.parametrize(
    ("spec", "status", "code"),
    [
        (BOXING, 422, "invalid-spec"),
        ({**BOXING, "policy_id": "nobody"}, 404, "not-found"),
        ({**BOXING, "policy_id": "../../etc"}, 404, "not-found"),
        ({**BOXING, "policy_id": "x" * 1000}, 404, "not-found"),
        ({**BOXING, "policy_id": 7}, 422, "invalid-spec"),
    ],
)
async def test_a_faulty_request_is_refused(bench: Bench, spec: Any, status: int, code: str) -> None:
    answer = await bench.api.post("/v1/evaluations", json=spec)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert bench.stored() == []


async def test_a_body_that_does_not_say_it_is_json_is_unsupported(bench: Bench) -> None:
    answer = await bench.api.post("/v1/evaluations", content=b"{}", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")


async def test_json_over_the_limit_is_too_large(bench: Bench) -> None:
    answer = await bench.api.post(
        "/v1/evaluations", content=b" " * (2**20 + 1), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


async def test_a_running_evaluation_shows_what_the_workers_say(bench: Bench) -> None:
    evaluation_id = await accepted(bench)
    bench.queue.set_live(evaluation_id, "processing", episodes=3, steps=1200)
    bench.context.evaluations.forget(evaluation_id)
    body = (await bench.api.get(f"/v1/evaluations/{evaluation_id}")).json()
    assert body["status"] == "processing"
    assert body["progress"] == {"episodes_done": 3, "episodes_planned": 17, "environment_steps": 1200}
    assert body["links"]["events"] == f"/v1/evaluations/{evaluation_id}/events"


async def test_an_ended_evaluation_is_read_once_and_without_redis(bench: Bench) -> None:
    evaluation_id = await accepted(bench)
    bench.finish(evaluation_id, cell("ce"))
    bench.context.evaluations.forget(evaluation_id)
    bench.queue.away, asked = True, bench.queue.asked
    for _ in range(3):
        answer = await bench.api.get(f"/v1/evaluations/{evaluation_id}")
        assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
        assert [shown["label"] for shown in answer.json()["cells"]] == ["ce"]
        bench.store.delete(keys.evaluation_spec(evaluation_id))
    assert bench.queue.asked == asked
    report = await bench.api.get(f"/v1/evaluations/{evaluation_id}/report")
    assert report.status_code == 200


async def test_a_running_evaluation_is_unavailable_while_redis_is(bench: Bench) -> None:
    evaluation_id = await accepted(bench)
    bench.context.evaluations.forget(evaluation_id)
    bench.queue.away = True
    answer = await bench.api.get(f"/v1/evaluations/{evaluation_id}")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "5")


async def test_a_tag_spares_the_body(bench: Bench) -> None:
    path = f"/v1/evaluations/{await accepted(bench)}"
    first = await bench.api.get(path)
    again = await bench.api.get(path, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])


async def test_waiting_ends_when_the_evaluation_does(bench: Bench) -> None:
    evaluation_id = await accepted(bench)
    waiting = asyncio.create_task(bench.api.get(f"/v1/evaluations/{evaluation_id}", headers={"Prefer": "wait=30"}))
    await asyncio.sleep(0.1)
    bench.finish(evaluation_id)
    answer = await asyncio.wait_for(waiting, 20)
    assert (answer.json()["status"], answer.headers["preference-applied"]) == ("succeeded", "wait=30")


async def test_waiting_ends_when_time_is_up(bench: Bench) -> None:
    started = time.monotonic()
    answer = await bench.evaluate(headers={"Prefer": "respond-async, wait=1"})
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert 1 <= time.monotonic() - started < 15


async def test_cancel_is_accepted_repeatable_and_final(bench: Bench) -> None:
    path = f"/v1/evaluations/{await accepted(bench)}"
    answers = [await bench.api.post(f"{path}/cancel") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 200, 200]
    assert {answer.json()["status"] for answer in answers} == {"canceled"}
    assert (await bench.api.get(path)).json()["finished_at"] is not None


async def test_what_has_ended_cannot_be_canceled(bench: Bench) -> None:
    evaluation_id = await accepted(bench)
    bench.finish(evaluation_id)
    answer = await bench.api.post(f"/v1/evaluations/{evaluation_id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "already-ended")


async def test_pages_are_newest_first_and_complete(bench: Bench) -> None:
    made = [await accepted(bench, epsilon=epsilon) for epsilon in (1, 2, 3, 4, 5)]
    seen, cursor = [], None
    for _ in range(3):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await bench.api.get("/v1/evaluations", params=params)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert (seen, cursor) == (made[::-1], None)


async def test_a_list_leaves_out_cells(bench: Bench) -> None:
    evaluation_id = await accepted(bench)
    bench.finish(evaluation_id, cell("ce"))
    assert (await bench.api.get("/v1/evaluations")).json()["items"][0]["cells"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=../x", "cursor=%00"])
async def test_a_faulty_page_is_refused(bench: Bench, query: str) -> None:
    answer = await bench.api.get(f"/v1/evaluations?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


@pytest.mark.parametrize("suffix", ["", "/report", "/events"])
@pytest.mark.parametrize("evaluation_id", ["nothing", "..%2f..", "%00", "a" * 500])
async def test_what_is_not_there_is_not_found(bench: Bench, evaluation_id: str, suffix: str) -> None:
    answer = await bench.api.get(f"/v1/evaluations/{evaluation_id}{suffix}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_there_is_no_report_before_the_end(bench: Bench) -> None:
    answer = await bench.api.get(f"/v1/evaluations/{await accepted(bench)}/report")
    assert (answer.status_code, answer.json()["code"]) == (409, "report-not-ready")


async def test_a_canceled_evaluation_has_no_report_even_where_one_was_written(bench: Bench) -> None:
    evaluation_id = await accepted(bench)
    await bench.api.post(f"/v1/evaluations/{evaluation_id}/cancel")
    bench.finish(evaluation_id)
    answer = await bench.api.get(f"/v1/evaluations/{evaluation_id}/report")
    assert (answer.status_code, answer.json()["code"]) == (409, "report-not-ready")


async def test_a_failed_evaluation_says_why(bench: Bench) -> None:
    evaluation_id = await accepted(bench)
    problem = problem_of(NonFiniteWeights("Weights must be finite."))
    end(bench.store, bench.queue, EVALUATION, evaluation_id, "failed", error=problem)
    bench.context.evaluations.forget(evaluation_id)
    body = (await bench.api.get(f"/v1/evaluations/{evaluation_id}")).json()
    report = await bench.api.get(f"/v1/evaluations/{evaluation_id}/report")
    assert (body["status"], body["error"]["code"]) == ("failed", "non-finite-weights")
    assert (report.status_code, report.json()["code"]) == (409, "report-not-ready")


@pytest.mark.parametrize(
    ("query", "accept", "kind"),
    [
        ("", "*/*", "application/json"),
        ("?format=html", "application/json", "text/html; charset=utf-8"),
        ("?format=json", "text/html", "application/json"),
        ("", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
    ],
)
async def test_a_report_comes_in_the_form_that_is_asked_for(bench: Bench, query: str, accept: str, kind: str) -> None:
    evaluation_id = await accepted(bench)
    bench.finish(evaluation_id)
    bench.context.evaluations.forget(evaluation_id)
    answer = await bench.api.get(f"/v1/evaluations/{evaluation_id}/report{query}", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    again = await bench.api.get(
        f"/v1/evaluations/{evaluation_id}/report{query}",
        headers={"Accept": accept, "If-None-Match": answer.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("query", "accept"), [("?format=pdf", "*/*"), ("", "image/png"), ("", "text/html;q=0, application/json;q=0")]
)
async def test_another_form_is_not_acceptable_and_the_answer_names_those_there_are(
    bench: Bench, query: str, accept: str
) -> None:
    evaluation_id = await accepted(bench)
    answer = await bench.api.get(f"/v1/evaluations/{evaluation_id}/report{query}", headers={"Accept": accept})
    assert (answer.status_code, answer.json()["code"]) == (406, "not-acceptable")
    assert "json or html or md or csv or parquet or junit or badge" in answer.json()["detail"]


async def test_an_html_report_may_load_nothing_and_act_for_nobody(bench: Bench) -> None:
    evaluation_id = await accepted(bench)
    bench.finish(evaluation_id)
    bench.context.evaluations.forget(evaluation_id)
    policy = (await bench.api.get(f"/v1/evaluations/{evaluation_id}/report?format=html")).headers[
        "content-security-policy"
    ]
    assert "default-src 'none'" in policy
    assert policy.startswith("sandbox allow-scripts")


async def test_owners_see_only_their_own(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, api_keys={"key-a": "alice", "key-b": "bob"})
    alice, bob = ({"Authorization": f"Bearer {key}"} for key in ("key-a", "key-b"))
    hers = (await bench.evaluate(headers=alice)).json()
    his = (await bench.evaluate(headers=bob)).json()
    assert hers["id"] != his["id"]
    assert hers["policy_id"] != his["policy_id"]
    path = f"/v1/evaluations/{hers['id']}"
    assert (await bench.api.get(path, headers=alice)).status_code == 200
    for method, suffix in (("GET", ""), ("GET", "/report"), ("GET", "/events"), ("POST", "/cancel")):
        answer = await bench.api.request(method, path + suffix, headers=bob)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    stolen = await bench.api.post("/v1/evaluations", json={**BOXING, "policy_id": hers["policy_id"]}, headers=bob)
    assert stolen.status_code == 404
    listed = (await bench.api.get("/v1/evaluations", headers=bob)).json()["items"]
    assert [item["id"] for item in listed] == [his["id"]]


async def test_a_retry_after_a_crash_between_storing_and_queueing_goes_on(bench: Bench) -> None:
    evaluation_id = await accepted(bench)
    record_key = next(bench.store.list(keys.evaluation_index_prefix("default")))
    bench.store.delete(record_key)
    bench.queue.queued.clear()
    assert await accepted(bench) == evaluation_id
    assert bench.queue.count(SHARD) > 0
    assert bench.store.exists(record_key)
