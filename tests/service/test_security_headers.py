"""What browsers are told about every answer."""

import pytest

from tests.service.bench import Bench

pytestmark = pytest.mark.anyio
EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/livez", "/nowhere", "/v1/policies", "/v1/attacks"])
async def test_every_answer_is_guarded(bench: Bench, path: str) -> None:
    headers = (await bench.api.get(path)).headers
    assert {name: headers[name] for name in EVERYWHERE} == EVERYWHERE
    assert "default-src 'none'" in headers["content-security-policy"] or path in ("/", "/docs")
    assert "strict-transport-security" not in headers


async def test_over_https_a_browser_is_told_to_stay_there(bench: Bench) -> None:
    answer = await bench.api.get("https://localhost/livez")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_a_report_may_run_only_in_a_sandbox(bench: Bench) -> None:
    evaluation_id = (await bench.evaluate()).json()["id"]
    bench.finish(evaluation_id)
    bench.context.evaluations.forget(evaluation_id)
    policy = (await bench.api.get(f"/v1/evaluations/{evaluation_id}/report?format=html")).headers[
        "content-security-policy"
    ]
    assert policy.startswith("sandbox allow-scripts allow-downloads; default-src 'none'; ")
    assert "allow-same-origin" not in policy
