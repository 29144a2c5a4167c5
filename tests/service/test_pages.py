import re

import pytest

from service.pages import ASSETS
from tests.service.bench import Bench

pytestmark = pytest.mark.anyio


PAGES = (
    *("/", "/evaluations", "/evaluations/new", "/policies", "/trainings", "/trainings/new", "/workers", "/reference"),
    *("/docs", "/login", "/leaderboard"),
)


@pytest.mark.parametrize("path", PAGES)
async def test_pages_load_nothing_from_elsewhere(bench: Bench, path: str) -> None:
    answer = await bench.api.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["content-security-policy"].startswith("default-src 'self'; ")
    assert re.findall(r"(?:src|href|action)=[\"']?(?:https?:)?//", answer.text) == []
    for name in re.findall(r"(?:src|href)=\"(/static/[^\"]+)", answer.text):
        assert (await bench.api.get(name)).status_code == 200


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_holds_a_script_a_style_or_a_handler(bench: Bench, path: str) -> None:
    text = (await bench.api.get(path)).text
    assert re.findall(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=", text) == []


async def test_what_pages_load_may_be_kept_for_ever(bench: Bench) -> None:
    url = ASSETS.url("app.css")
    answer = await bench.api.get(url)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    known = await bench.api.get(url, headers={"If-None-Match": answer.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


async def test_a_page_from_before_an_update_gets_the_new_style_and_asks_again(bench: Bench) -> None:
    answer = await bench.api.get("/static/0123456789abcdef/app.css")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert (await bench.api.get("/static/0123456789abcdef/none.css")).status_code == 404


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("*/*", "application/problem+json"),
        ("application/json", "application/problem+json"),
        ("application/json, text/html;q=0.5", "application/problem+json"),
        ("", "application/problem+json"),
    ],
)
async def test_people_are_told_of_errors_on_a_page_and_programs_as_a_problem(
    bench: Bench, accept: str, kind: str
) -> None:
    for path in ("/nowhere", "/evaluations/nothing", "/v1/policies/nothing", "/policies?cursor=x"):
        answer = await bench.api.get(path, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (422 if "cursor" in path else 404, kind)
    assert "GET /docs" in (await bench.api.get("/<b>", headers={"Accept": accept})).text
    assert "<b>" not in (await bench.api.get("/<b>", headers={"Accept": "text/html"})).text


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
