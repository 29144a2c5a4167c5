"""Every form of a report, over HTTP."""

from typing import Any
from xml.etree import ElementTree

import pytest

from saddlepoint.formats.badge import to_badge
from saddlepoint.formats.csv import to_csv
from saddlepoint.formats.markdown import to_markdown
from saddlepoint.schemas import keys
from saddlepoint.schemas.gates import Thresholds, decide
from saddlepoint.store import put_record
from tests.evaluation.sample_report import sample_report
from tests.service.bench import Bench

pytestmark = pytest.mark.anyio

REPORT = sample_report()


@pytest.fixture
async def url(bench: Bench) -> str:
    """Of the report of an evaluation that has ended; it has no Parquet file, as if it were an old one."""
    evaluation_id = (await bench.evaluate()).json()["id"]
    put_record(bench.store, keys.evaluation_report(evaluation_id, "json"), REPORT)
    bench.finish(evaluation_id)
    bench.context.evaluations.forget(evaluation_id)
    return f"/v1/evaluations/{evaluation_id}/report"


@pytest.mark.parametrize(
    ("query", "accept", "kind", "text"),
    [
        ("?format=md", "*/*", "text/markdown; charset=utf-8", to_markdown(REPORT)),
        ("", "text/markdown", "text/markdown; charset=utf-8", to_markdown(REPORT)),
        ("", "text/csv", "text/csv; charset=utf-8", to_csv(REPORT)),
        ("", "image/svg+xml,image/*;q=0.8", "image/svg+xml", to_badge(REPORT)),
        (
            "?format=badge&min_normalized=0.9",
            "*/*",
            "image/svg+xml",
            to_badge(REPORT, decide(REPORT, Thresholds(min_normalized=0.9))),
        ),
        (
            "?format=md&max_drop=3",
            "*/*",
            "text/markdown; charset=utf-8",
            to_markdown(REPORT, decide(REPORT, Thresholds(max_drop=3))),
        ),
    ],
)
async def test_what_is_not_stored_is_rendered(
    bench: Bench, url: str, query: str, accept: str, kind: str, text: str
) -> None:
    answer = await bench.api.get(f"{url}{query}", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.content.decode() == text


async def test_junit_holds_the_verdict_on_what_is_asked(bench: Bench, url: str) -> None:
    answer = await bench.api.get(url, params={"format": "junit", "min_mean": "-1000", "min_normalized": "0.99"})
    assert answer.headers["content-type"] == "application/xml"
    assert ElementTree.fromstring(answer.content).attrib["failures"] == "1"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"format": "junit"}, "invalid-spec"),
        ({"format": "junit", "min_mean": "nan"}, "invalid-request"),
        ({"format": "badge", "max_drop": "-1"}, "invalid-request"),
        ({"format": "badge", "min_normalized": "much"}, "invalid-request"),
    ],
)
async def test_a_gate_that_asks_for_nothing_or_nonsense_is_refused(
    bench: Bench, url: str, params: dict[str, str], code: str
) -> None:
    answer = await bench.api.get(url, params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_another_threshold_is_another_answer(bench: Bench, url: str) -> None:
    params: dict[str, Any] = {"format": "badge", "min_mean": 1.0}
    first = await bench.api.get(url, params=params)
    known = {"If-None-Match": first.headers["etag"]}
    same = await bench.api.get(url, params=params, headers=known)
    other = await bench.api.get(url, params={**params, "min_mean": 2.0}, headers=known)
    assert (same.status_code, same.content, other.status_code) == (304, b"", 200)


async def test_a_form_that_an_old_evaluation_has_not_is_named(bench: Bench, url: str) -> None:
    answer = await bench.api.get(url, params={"format": "parquet"})
    assert (answer.status_code, answer.json()["code"]) == (409, "report-not-ready")
    assert "without a report.parquet" in answer.json()["detail"]


async def test_a_parquet_file_is_sent_as_it_was_stored(bench: Bench, url: str) -> None:
    bench.store.put(keys.evaluation_report(url.split("/")[3], "parquet"), b"PAR1")
    answer = await bench.api.get(url, headers={"Accept": "application/vnd.apache.parquet"})
    assert answer.content == b"PAR1"
    assert answer.headers["content-disposition"] == 'attachment; filename="report.parquet"'


async def test_a_badge_may_load_nothing(bench: Bench, url: str) -> None:
    policy = (await bench.api.get(url, params={"format": "badge"})).headers["content-security-policy"]
    assert policy == "default-src 'none'; sandbox"


async def test_the_document_lists_the_forms_and_what_a_report_holds(bench: Bench) -> None:
    document = (await bench.api.get("/openapi.json")).json()
    operation = document["paths"]["/v1/evaluations/{evaluation_id}/report"]["get"]
    (form,) = [each["schema"] for each in operation["parameters"] if each["name"] == "format"]
    assert form["enum"] == ["json", "html", "md", "csv", "parquet", "junit", "badge"]
    assert list(operation["responses"]["200"]["content"]) == [
        "application/json",
        "text/html",
        "text/markdown",
        "text/csv",
        "application/vnd.apache.parquet",
        "application/xml",
        "image/svg+xml",
    ]
    assert "worst_case" in document["components"]["schemas"]["RobustnessReport"]["properties"]
