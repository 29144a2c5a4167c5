"""Asking for a webhook, and seeing how it went."""

from typing import Any

import pytest

from saddlepoint.schemas import keys
from saddlepoint.schemas.webhooks import WebhookRecord
from saddlepoint.store import get_record
from tests.service.bench import BOXING, Bench
from tests.service.test_attacks import attack
from tests.service.test_comparisons import evaluated
from tests.service.test_trainings import SPEC as TRAINING

pytestmark = pytest.mark.anyio
HEADERS = {"Webhook-Url": "https://example.com/hook", "Prefer": "wait=0"}


async def test_every_kind_of_job_can_be_told_of(bench: Bench) -> None:
    one, two = [await evaluated(bench, data) for data in (b"one", b"two")]
    policy_id = (await bench.upload(b"one")).json()["id"]

    async def post(path: str, body: dict[str, Any]) -> Any:
        return await bench.api.post(path, json=body, headers=HEADERS)

    answers = {
        "evaluation": [
            await bench.evaluate(headers=HEADERS),
            await post("/v1/evaluations", {**BOXING, "policy_id": policy_id, "steps": 3}),
            await post(f"/v1/evaluations/{one}/extend", {"epsilon": [1.0, 2.0]}),
        ],
        "training": [await post("/v1/trainings", TRAINING)],
        "landscape": [await post("/v1/landscapes", {"policy_ids": [policy_id], "env": BOXING["env"], "states": 100})],
        "comparison": [await post("/v1/comparisons", {"baseline": [one], "candidate": [two]})],
        "attack": [await attack(bench, policy=policy_id, headers=HEADERS)],
    }
    for kind, given in answers.items():
        for answer in given:
            assert (kind, answer.status_code) == (kind, 202)
            wanted = answer.headers["webhook-id"]
            record = get_record(bench.store, keys.webhook_request(wanted), WebhookRecord)
            assert (record.kind, record.job_id, record.tenant) == (kind, answer.json()["id"], "default")
            assert bench.store.exists(keys.active_webhook(wanted))
            seen = (await bench.api.get(f"/v1/webhooks/{wanted}")).json()
            assert (seen["url"], seen["attempts"], seen["outcome"]) == ("https://example.com/hook", [], None)


async def test_a_webhook_makes_no_other_evaluation(bench: Bench) -> None:
    plain, told = await bench.evaluate(), await bench.evaluate(headers=HEADERS)
    assert plain.json()["id"] == told.json()["id"]
    assert "webhook-id" not in plain.headers


@pytest.mark.parametrize("url", ["http://example.com", "https://127.0.0.1/", "https://169.254.169.254/latest", "x"])
async def test_a_url_that_leads_inside_is_refused_before_anything_is_done(bench: Bench, url: str) -> None:
    answer = await bench.evaluate(headers={"Webhook-Url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-webhook")
    assert bench.stored() == []


async def test_the_secret_is_for_admins_and_can_be_renewed(bench: Bench) -> None:
    admin, other = bench.key("alice", "admin"), bench.key("alice", "read", "submit")
    assert (await bench.api.get("/v1/webhook-secret", headers=other)).status_code == 403
    first = await bench.api.get("/v1/webhook-secret", headers=admin)
    assert first.headers["cache-control"] == "no-store"
    again = await bench.api.get("/v1/webhook-secret", headers=admin)
    second = await bench.api.post("/v1/webhook-secret", headers=admin)
    newest = await bench.api.get("/v1/webhook-secret", headers=admin)
    assert first.json() == again.json()
    assert second.json() == newest.json() != first.json()
    assert first.json()["secret"].startswith("whsec_")
