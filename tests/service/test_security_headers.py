"""What browsers are told about every answer."""

import base64
import hashlib
import re

import pytest

from service.security_headers import page_policy
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


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_what_stands_in_our_pages_runs_by_its_digest(bench: Bench, path: str) -> None:
    answer = await bench.api.get(path)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    inline = re.findall(r"<(?:script|style)>(.*?)</", answer.text, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline]
    assert [digest for digest in digests if f"'sha256-{digest}'" not in policy] == []


def test_a_page_without_anything_in_it_takes_all_from_here() -> None:
    assert page_policy("<p>").startswith("default-src 'self'; img-src 'self' data:; object-src 'none'; ")


async def test_a_report_may_run_only_in_a_sandbox(bench: Bench) -> None:
    evaluation_id = (await bench.evaluate()).json()["id"]
    bench.finish(evaluation_id)
    bench.context.evaluations.forget(evaluation_id)
    policy = (await bench.api.get(f"/v1/evaluations/{evaluation_id}/report?format=html")).headers[
        "content-security-policy"
    ]
    assert policy.startswith("sandbox allow-scripts allow-downloads; default-src 'none'; ")
    assert "allow-same-origin" not in policy
