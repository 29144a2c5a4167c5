from pathlib import Path

import pytest

from saddlepoint.schemas.problems import Problem
from tests.service.bench import Bench, make_bench

pytestmark = pytest.mark.anyio
KEYS = {"right": "alice"}


@pytest.mark.parametrize("header", [None, "right", "Bearer", "Bearer wrong", "Basic right", "Bearer right right"])
async def test_without_a_valid_key_nothing_is_answered(tmp_path: Path, header: str | None) -> None:
    bench = make_bench(tmp_path, api_keys=KEYS)
    headers = {"Authorization": header} if header else {}
    for path in ("/v1/evaluations", "/v1/policies", "/v1/attacks", "/nowhere"):
        answer = await bench.api.get(path, headers=headers)
        problem = Problem.model_validate_json(answer.content)
        assert (answer.status_code, problem.code, problem.instance) == (401, "unauthenticated", path)
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Bearer right", "bearer right", "Bearer  right "])
async def test_a_valid_key_is_let_in(tmp_path: Path, header: str) -> None:
    bench = make_bench(tmp_path, api_keys=KEYS)
    assert (await bench.api.get("/v1/evaluations", headers={"Authorization": header})).status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/livez", "/readyz"])
async def test_probes_and_pages_are_open(tmp_path: Path, path: str) -> None:
    assert (await make_bench(tmp_path, api_keys=KEYS).api.get(path)).status_code == 200


async def test_without_keys_everybody_is_one_owner(bench: Bench) -> None:
    assert (await bench.api.get("/v1/evaluations")).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://service", 202), ("http://evil.example", 403), ("null", 403), ("http://service:81", 403)],
)
async def test_without_keys_a_page_from_elsewhere_may_not_act(bench: Bench, origin: str, status: int) -> None:
    answer = await bench.evaluate(headers={"Origin": origin})
    assert answer.status_code == status


async def test_with_keys_the_origin_does_not_matter(tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer right", "Origin": "http://elsewhere.example"}
    assert (await make_bench(tmp_path, api_keys=KEYS).evaluate(headers=headers)).status_code == 202
