"""Each request has a name, in its answer, its problem, and the log."""

import logging
import re

import pytest
from fastapi import APIRouter

from service.request_ids import REQUEST_ID, WithRequestId
from tests.service.bench import Bench

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("wanted", ["a-name_1.2", "x" * 64])
async def test_the_name_that_a_client_gives_is_kept(bench: Bench, wanted: str) -> None:
    answer = await bench.api.get("/v1/evaluations/nothing", headers={"X-Request-Id": wanted})
    assert answer.headers["x-request-id"] == wanted
    assert answer.json()["request_id"] == wanted


@pytest.mark.parametrize("wanted", [None, "", "a b", "x" * 65, 'a"b'])
async def test_else_it_is_a_new_one(bench: Bench, wanted: str | None) -> None:
    headers = {} if wanted is None else {"X-Request-Id": wanted}
    given = [(await bench.api.get("/livez", headers=headers)).headers["x-request-id"] for _ in range(2)]
    assert [re.fullmatch("[0-9a-f]{32}", name) is not None for name in given] == [True, True]
    assert given[0] != given[1]


async def test_an_error_of_our_own_has_one_too(bench: Bench) -> None:
    def fail() -> None:
        raise ValueError("of our own")

    bench.app.router.routes[:] = []
    bench.app.dependency_overrides = {}
    router = APIRouter()
    router.add_api_route("/livez", fail)
    bench.app.include_router(router)
    answer = await bench.api.get("/livez", headers={"X-Request-Id": "mine"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "mine")
    assert answer.json()["request_id"] == "mine"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_lines_of_the_log_have_it() -> None:
    record = logging.LogRecord("name", logging.INFO, "path", 1, "message", None, None)
    token = REQUEST_ID.set("mine")
    try:
        assert WithRequestId().filter(record)
    finally:
        REQUEST_ID.reset(token)
    assert vars(record)["request_id"] == "mine"
