"""Who did what."""

import json
import logging
from pathlib import Path

import pytest

from saddlepoint.access import revoke_key
from saddlepoint.errors import StoreError
from saddlepoint.store.local import LocalStore
from service.rations import OF_ONE
from tests.log_lines import lines_of, write_json
from tests.service.bench import Bench, make_bench
from tests.service.test_metrics import samples

pytestmark = pytest.mark.anyio


async def events(bench: Bench, headers: dict[str, str]) -> list[dict[str, object]]:
    answer = await bench.api.get("/v1/audit", headers=headers)
    assert answer.status_code == 200
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def test_changes_are_noted_with_who_and_what_newest_first(bench: Bench) -> None:
    alice = {**bench.key("alice"), "X-Request-Id": "first"}
    evaluation_id = (await bench.evaluate(headers=alice)).json()["id"]
    await bench.api.post(f"/v1/evaluations/{evaluation_id}/cancel", headers={**alice, "X-Request-Id": "second"})
    path = f"/v1/evaluations/{evaluation_id}"
    seen = await events(bench, alice)
    assert [(event["request_id"], event["method"], event["path"], event["status"]) for event in seen] == [
        ("second", "POST", f"{path}/cancel", 202),
        ("first", "POST", "/evaluate", 202),
    ]
    assert seen[1]["location"] == path
    assert {(event["tenant"], event["key_id"]) for event in seen} == {
        ("alice", alice["Authorization"].split("_")[1]),
    }


async def test_what_a_key_is_not_good_for_is_noted_and_what_is_read_or_refused_is_not(bench: Bench) -> None:
    admin, reader = bench.key("alice", "admin"), bench.key("alice", "read")
    await bench.evaluate(headers=reader)
    await bench.api.get("/v1/policies", headers=reader)
    await bench.api.get("/v1/audit", headers=reader)
    await bench.evaluate(headers=bench.key("alice", "submit"), steps=-1)
    assert [(event["method"], event["path"], event["status"]) for event in await events(bench, admin)] == [
        ("GET", "/v1/audit", 403),
        ("POST", "/evaluate", 403),
    ]


async def test_a_revoked_key_is_noted_to_its_tenant_and_an_unknown_one_in_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    admin, revoked = bench.key("alice", "admin"), bench.key("alice", "read")
    key_id = revoked["Authorization"].split("_")[1]
    revoke_key(bench.store, key_id)
    bench.context.ring.read()
    with caplog.at_level(logging.INFO, "saddlepoint.audit"):
        assert (await bench.api.get("/v1/policies", headers=revoked)).status_code == 401
        assert (
            await bench.api.get("/?a=b", headers={"Authorization": "Bearer guess", "Accept": "text/html"})
        ).is_redirect
        assert (await bench.api.get("/v1/policies")).status_code == 401
    (event,) = await events(bench, admin)
    assert (event["key_id"], event["status"], event["address"]) == (key_id, 401, "127.0.0.1")
    known, unknown = [json.loads(record.getMessage()) for record in caplog.records]
    assert (known["key_id"], unknown["key_id"], unknown["tenant"], unknown["status"]) == (key_id, "unknown", "-", 401)
    assert revoked["Authorization"].split("_", 2)[2] not in caplog.text
    assert "guess" not in caplog.text
    assert unknown["location"] is None


async def test_a_flood_of_refusals_is_counted_and_not_kept(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    admin, reader = bench.key("alice", "admin"), bench.key("alice", "read")
    before = len(bench.stored())
    with caplog.at_level(logging.INFO, "saddlepoint.audit"):
        for number in range(50):
            await bench.api.get("/v1/policies", headers={"Authorization": f"Bearer {number}"})
            await bench.api.get("/v1/audit", headers=reader)
    assert len(caplog.records) == 2 * OF_ONE
    assert len(bench.stored()) - before == OF_ONE
    found = samples((await bench.api.get("/metrics", headers=admin)).text)
    assert [found["saddlepoint_refusals_total", why] for why in ("key", "scope")] == [50, 50]


async def test_tenants_see_their_own_events(bench: Bench) -> None:
    await bench.upload(headers=bench.key("bob"))
    assert await events(bench, bench.key("alice")) == []


async def test_pages_follow_one_another(bench: Bench) -> None:
    admin = bench.key("alice")
    for number in range(5):
        await bench.upload(data=str(number).encode(), headers={**admin, "X-Request-Id": str(number)})
    seen, cursor = [], ""
    for _ in range(3):
        page = (await bench.api.get(f"/v1/audit?limit=2{cursor}", headers=admin)).json()
        seen += [item["request_id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert (seen, page["next_cursor"]) == (["4", "3", "2", "1", "0"], None)


async def test_an_event_is_in_the_log_where_the_store_fails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench(tmp_path)
    put = LocalStore.put

    def failing(self: LocalStore, key: str, data: bytes) -> bool:
        if key.startswith("audit/"):
            raise StoreError("The store is full.")
        return put(self, key, data)

    monkeypatch.setattr(LocalStore, "put", failing)
    with caplog.at_level(logging.INFO, "saddlepoint.audit"):
        assert (await bench.upload(headers=bench.key("alice"))).status_code == 201
    noted, failed = caplog.records
    assert json.loads(noted.getMessage())["path"] == "/v1/policies"
    assert failed.levelno == logging.ERROR


async def test_its_line_in_the_log_names_the_job_that_it_is_about(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    write_json(caplog)
    evaluation_id = (await bench.evaluate()).json()["id"]
    await bench.api.post(f"/v1/evaluations/{evaluation_id}/cancel")
    await bench.upload(data=b"another")
    noted = [line for line in lines_of(caplog) if line["logger"] == "saddlepoint.audit"]
    assert [(line.get("kind"), line.get("id")) for line in noted] == [
        ("evaluation", evaluation_id),
        ("evaluation", evaluation_id),
        (None, None),
    ]
