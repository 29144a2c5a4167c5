"""/v1/policies over the whole application."""

from pathlib import Path

import pytest

from saddlepoint.errors import UnsafePickle
from saddlepoint.schemas import keys
from tests.service.bench import BOXING, Bench, make_bench
from tests.service.doubles import MODEL

pytestmark = pytest.mark.anyio


async def test_a_new_policy_is_created_and_a_known_one_is_found(bench: Bench) -> None:
    first, second = await bench.upload(), await bench.upload()
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.headers["location"] == f"/v1/policies/{first.json()['id']}"
    assert [key for key in bench.stored() if key.startswith(keys.UPLOADS)] == []
    assert bench.spooled() == []


async def test_an_idempotency_key_stands_for_one_policy(bench: Bench) -> None:
    key = {"Idempotency-Key": "k1"}
    codes = [(await bench.upload(data, headers=key)).status_code for data in (b"one", b"one", b"two")]
    assert codes == [201, 200, 409]
    assert len(bench.workers.validated) == 1


async def test_a_refused_policy_is_answered_with_its_problem(bench: Bench) -> None:
    bench.workers.problem = UnsafePickle("A file may hold weights only. Save a state dict.")
    answer = await bench.upload()
    assert (answer.status_code, answer.json()["code"]) == (422, "unsafe-pickle")
    assert (bench.stored(), bench.spooled()) == ([], [])


async def test_a_policy_without_a_verdict_can_be_asked_after(bench: Bench) -> None:
    bench.workers.silent = True
    pending = await bench.upload()
    asked = await bench.api.get(pending.headers["location"])
    assert (pending.status_code, asked.status_code) == (202, 202)
    assert pending.json() == asked.json()
    bench.workers.validate(pending.json()["upload_id"])
    card = await bench.api.get(pending.headers["location"])
    assert (card.status_code, card.json()["id"]) == (200, pending.json()["policy_id"])


async def test_a_late_refusal_is_told_to_whoever_asks(bench: Bench) -> None:
    bench.workers.silent = True
    pending = await bench.upload(b"damaged file")
    bench.workers.validate(pending.json()["upload_id"])
    answer = await bench.api.get(pending.headers["location"])
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-policy")


@pytest.mark.parametrize("upload", ["nothing", "..", "%00"])
async def test_an_upload_that_is_not_there_is_not_found(bench: Bench, upload: str) -> None:
    answer = await bench.api.get(f"/v1/policies/unknown?upload={upload}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_the_card_has_a_tag(bench: Bench) -> None:
    path = (await bench.upload()).headers["location"]
    first = await bench.api.get(path)
    again = await bench.api.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)


async def test_the_canonical_model_is_sent_as_a_file(bench: Bench) -> None:
    card = (await bench.upload()).json()
    answer = await bench.api.get(f"/v1/policies/{card['id']}/file")
    assert (answer.content, answer.headers["content-length"]) == (MODEL, str(len(MODEL)))
    assert answer.headers["content-disposition"] == f'attachment; filename="{card["id"]}.onnx"'
    again = await bench.api.get(f"/v1/policies/{card['id']}/file", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_file_is_never_held_whole(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    card = (await bench.upload()).json()
    get = bench.store.get
    monkeypatch.setattr(bench.store, "get", lambda key: get(key) if key.endswith(".json") else pytest.fail(key))
    assert (await bench.api.get(f"/v1/policies/{card['id']}/file")).content == MODEL


async def test_a_damaged_file_is_not_sent(bench: Bench) -> None:
    card = (await bench.upload()).json()
    path = bench.folder / "store" / keys.policy_model(card["id"])
    path.write_bytes(b"x" + path.read_bytes()[1:])
    answer = await bench.api.get(f"/v1/policies/{card['id']}/file")
    assert (answer.status_code, answer.json()["code"]) == (500, "artifact-corrupt")


@pytest.mark.parametrize(("query", "status"), [("format=safetensors", 404), ("format=pickle", 422)])
async def test_a_file_that_is_not_there_is_refused(bench: Bench, query: str, status: int) -> None:
    card = (await bench.upload()).json()
    assert (await bench.api.get(f"/v1/policies/{card['id']}/file?{query}")).status_code == status


async def test_policies_are_listed_newest_first(bench: Bench) -> None:
    made = [(await bench.upload(data)).json()["id"] for data in (b"one", b"two", b"three")]
    page = (await bench.api.get("/v1/policies", params={"limit": 2})).json()
    rest = (await bench.api.get("/v1/policies", params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert [card["id"] for card in page["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None


async def test_a_deleted_policy_is_gone_and_can_come_back(bench: Bench) -> None:
    card = (await bench.upload()).json()
    deleted = await bench.api.delete(f"/v1/policies/{card['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await bench.api.get(f"/v1/policies/{card['id']}")).status_code == 404
    assert (await bench.api.delete(f"/v1/policies/{card['id']}")).status_code == 404
    refused = await bench.api.post("/v1/evaluations", json={**BOXING, "policy_id": card["id"]})
    assert refused.status_code == 404
    assert [key for key in bench.stored() if not key.startswith("audit/")] == []
    assert (await bench.upload()).status_code == 201


async def test_only_the_owner_sees_and_deletes_a_policy(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, api_keys={"key-a": "alice", "key-b": "bob"})
    alice, bob = ({"Authorization": f"Bearer {key}"} for key in ("key-a", "key-b"))
    card = (await bench.upload(headers=alice)).json()
    for method, suffix in (("GET", ""), ("GET", "/file"), ("DELETE", "")):
        answer = await bench.api.request(method, f"/v1/policies/{card['id']}{suffix}", headers=bob)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert (await bench.api.get("/v1/policies", headers=bob)).json()["items"] == []
    assert (await bench.api.delete(f"/v1/policies/{card['id']}", headers=alice)).status_code == 204
