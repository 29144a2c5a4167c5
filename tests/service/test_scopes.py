"""What a key may do: one row for each route, held against the routes that there are."""

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from saddlepoint.schemas.access import SCOPES, Scope
from service.scopes import OPEN, SCOPE_OF, is_open
from tests.service.bench import Bench, make_bench

pytestmark = pytest.mark.anyio
FORBIDDEN = 403
GUARDED = [(method, path, scope) for (method, path), scope in SCOPE_OF.items() if scope != OPEN]


def routes_of(bench: Bench) -> set[tuple[str, str]]:
    """Every operation, also those that the document leaves out."""
    routes = [context.original_route for context in iter_route_contexts(bench.app.routes)]
    return {(method, route.path) for route in routes if isinstance(route, APIRoute) for method in route.methods or ()}


async def test_every_route_has_a_row_and_every_row_a_route(bench: Bench) -> None:
    assert routes_of(bench) == set(SCOPE_OF)


async def test_every_operation_of_the_document_has_a_scope(bench: Bench) -> None:
    document = (await bench.api.get("/openapi.json")).json()
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described - set(SCOPE_OF) == set()


@pytest.mark.parametrize(("method", "path", "needed"), GUARDED)
async def test_a_key_without_the_scope_is_refused_and_one_with_it_is_not(
    tmp_path: Path, method: str, path: str, needed: Scope
) -> None:
    bench = make_bench(tmp_path)
    url = re.sub(r"\{\w+\}", "0" * 32, path)
    others = [scope for scope in SCOPES if scope != needed]
    refused = await bench.api.request(method, url, headers=bench.key("alice", *others))
    assert (refused.status_code, refused.json()["code"]) == (FORBIDDEN, "forbidden")
    assert (
        await bench.api.request(method, url, headers=bench.key("alice", needed), timeout=5)
    ).status_code != FORBIDDEN


async def test_a_refusal_names_the_scope_and_reads_no_body(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    answer = await bench.evaluate(headers=bench.key("alice", "read"))
    assert answer.status_code == FORBIDDEN
    assert "the scopes read and this needs submit" in answer.json()["detail"]
    assert bench.spooled() == []


@pytest.mark.parametrize("path", [path for (_, path), scope in SCOPE_OF.items() if scope == OPEN])
def test_open_paths_are_open(path: str) -> None:
    assert is_open(path)
    assert not is_open(f"{path}x/y")
