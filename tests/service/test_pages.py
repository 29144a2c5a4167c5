import re

import pytest

from tests.service.bench import Bench

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_pages_load_nothing_from_elsewhere(bench: Bench, path: str) -> None:
    answer = await bench.api.get(path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'self'; ")
    assert re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", answer.text) == []


async def test_the_reference_lists_every_operation(bench: Bench) -> None:
    page = (await bench.api.get("/docs")).text
    document = (await bench.api.get("/openapi.json")).json()
    for path in document["paths"]:
        assert f"<code>{path}</code>" in page
    assert "steps</code>" not in page
    assert "&#34;episodes_per_seed&#34;" in page


async def test_the_document_knows_bodies_problems_and_keys(bench: Bench) -> None:
    document = (await bench.api.get("/openapi.json")).json()
    form = document["paths"]["/evaluate"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["policy", "spec"]
    assert {"EvaluationSpec", "PolicyHints", "TrainingSpec", "Problem"} <= set(document["components"]["schemas"])
    assert document["paths"]["/v1/attacks"]["get"]["responses"]["default"]["content"].keys() == {
        "application/problem+json"
    }


async def test_every_reference_of_the_document_leads_somewhere(bench: Bench) -> None:
    answer = await bench.api.get("/openapi.json")
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', answer.text))
    assert names <= set(answer.json()["components"]["schemas"])
    assert "#/$defs" not in answer.text
