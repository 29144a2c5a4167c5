from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/login", "/reference", "/livez", "/readyz"])
async def test_probes_and_pages_are_open(tmp_path: Path, path: str) -> None:
    assert (await make_bench(tmp_path, api_keys=KEYS).api.get(path)).status_code == 200


async def test_without_keys_everybody_is_one_owner(bench: Bench) -> None:
    assert (await bench.api.get("/v1/evaluations")).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://localhost", 202), ("http://evil.example", 403), ("null", 403), ("http://localhost:81", 403)],
)
async def test_without_keys_a_page_from_elsewhere_may_not_act(bench: Bench, origin: str, status: int) -> None:
    answer = await bench.evaluate(headers={"Origin": origin})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.1", "", "[", "a b"]
)
async def test_without_keys_a_name_that_resolves_to_this_machine_is_not_its_own(bench: Bench, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    for answer in (await bench.evaluate(headers=headers), await bench.api.get("/v1/policies", headers=headers)):
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign-host")
        assert answer.headers["content-type"] == "application/problem+json"
    assert bench.stored() == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:81", "127.0.0.1", "127.0.0.2:8000", "[::1]", "[::1]:8000"])
async def test_without_keys_every_name_of_loopback_is_answered(bench: Bench, host: str) -> None:
    assert (await bench.api.get("/v1/policies", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("settings", [{"trust_network": True}, {"api_keys": KEYS}])
async def test_with_keys_or_a_closed_network_the_host_does_not_matter(tmp_path: Path, settings: dict[str, Any]) -> None:
    headers = {"Host": "service:8000", "Authorization": "Bearer right"}
    answer = await make_bench(tmp_path, **settings).api.get("/v1/policies", headers=headers)
    assert answer.status_code == 200


async def test_with_keys_the_origin_does_not_matter(tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer right", "Origin": "http://elsewhere.example"}
    assert (await make_bench(tmp_path, api_keys=KEYS).evaluate(headers=headers)).status_code == 202
