"""Every error is a problem, whoever raised it."""

import logging

import pytest

from saddlepoint.schemas.problems import Problem
from tests.service.bench import Bench

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/v1/evaluations/", 404, "not-found"),
        ("PUT", "/evaluate", 405, "method-not-allowed"),
        ("DELETE", "/v1/evaluations", 405, "method-not-allowed"),
        ("GET", "/v1/evaluations?limit=x", 422, "invalid-request"),
    ],
)
async def test_errors_of_the_framework_are_problems(
    bench: Bench, method: str, path: str, status: int, code: str
) -> None:
    answer = await bench.api.request(method, path)
    problem = Problem.model_validate_json(answer.content)
    assert (answer.status_code, problem.status, problem.code) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.type == f"urn:saddlepoint:problem:{code}"
    assert problem.instance == path.partition("?")[0]


async def test_a_wrong_method_is_told_the_right_one(bench: Bench) -> None:
    assert (await bench.api.put("/evaluate")).headers["allow"] == "POST"


async def test_a_wrong_parameter_is_named(bench: Bench) -> None:
    answer = await bench.api.get("/v1/evaluations?limit=0")
    assert [field["location"] for field in answer.json()["errors"]] == ["query.limit"]


async def test_a_wrong_field_is_named(bench: Bench) -> None:
    answer = await bench.evaluate(steps=0)
    assert answer.json()["errors"] == [
        {"location": "steps", "message": "Input should be greater than or equal to 1, got 0"}
    ]


async def test_an_error_of_our_own_says_nothing_of_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode() -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(bench.queue, "ping", explode)
    with caplog.at_level(logging.ERROR):
        answer = await bench.api.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")
    assert "secret" not in answer.text


async def test_a_long_quotation_is_cut(bench: Bench) -> None:
    answer = await bench.evaluate(attacks=[{"kind": "x" * 10_000}])
    assert (answer.json()["code"], len(answer.json()["detail"]) < 2100) == ("unknown-attack", True)
