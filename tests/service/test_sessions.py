"""Logging in from a browser, and what other sites can make of a session."""

from pathlib import Path

import httpx
import pytest
from starlette.datastructures import Headers

from service.sessions import COOKIE, local_path, session_key, wants_page
from tests.service.bench import Bench, make_bench

pytestmark = pytest.mark.anyio
KEYS = {"a key, with; signs=": "alice"}
KEY = next(iter(KEYS))
BROWSER = {"Accept": "text/html,*/*;q=0.8"}
OURS = {"Origin": "http://localhost"}


@pytest.fixture
def guarded(tmp_path: Path) -> Bench:
    return make_bench(tmp_path, api_keys=KEYS)


async def log_in(bench: Bench, key: str = KEY, wanted: str = "/policies") -> httpx.Response:
    return await bench.api.post("/login", data={"key": key, "next": wanted}, headers=OURS)


async def test_a_person_without_a_session_is_asked_for_a_key(guarded: Bench) -> None:
    answer = await guarded.api.get("/policies?cursor=1", headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/policies%3Fcursor%3D1")
    assert (await guarded.api.get("/policies")).json()["code"] == "unauthenticated"


async def test_a_session_opens_the_pages_and_the_api(guarded: Bench) -> None:
    answer = await log_in(guarded)
    assert (answer.status_code, answer.headers["location"]) == (303, "/policies")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert KEY not in cookie
    for path in ("/", "/policies", "/v1/evaluations"):
        assert (await guarded.api.get(path)).status_code == 200
    assert "Log out" in (await guarded.api.get("/")).text


async def test_over_tls_the_session_is_sent_over_tls_only(guarded: Bench) -> None:
    headers = {**OURS, "X-Forwarded-Proto": "https"}
    answer = await guarded.api.post("/login", data={"key": KEY}, headers=headers)
    assert "Secure" in answer.headers["set-cookie"].split("; ")


async def test_a_wrong_key_is_told_and_forgotten(guarded: Bench) -> None:
    await log_in(guarded, key="wrong")
    answer = await guarded.api.get("/policies", headers=BROWSER)
    assert answer.headers["location"] == "/login?next=/policies&wrong=1"
    asked = await guarded.api.get(answer.headers["location"])
    assert "no longer, a valid key" in asked.text
    assert "Max-Age=0" in asked.headers["set-cookie"]


async def test_logging_out_ends_the_session(guarded: Bench) -> None:
    await log_in(guarded)
    assert (await guarded.api.post("/logout", headers=OURS)).status_code == 303
    assert (await guarded.api.get("/v1/evaluations")).status_code == 401


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null", "http://localhost:81"])
async def test_a_session_does_not_act_for_other_sites(guarded: Bench, origin: str | None) -> None:
    await log_in(guarded)
    headers = {"Origin": origin} if origin else {}
    for path in ("/v1/policies", "/v1/evaluations", "/logout", "/login"):
        answer = await guarded.api.post(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert guarded.stored() == []


async def test_a_session_acts_for_our_own_pages(guarded: Bench) -> None:
    await log_in(guarded)
    assert (await guarded.upload(headers=OURS)).status_code == 201


async def test_a_key_in_the_header_wins_over_a_session(guarded: Bench) -> None:
    await log_in(guarded)
    answer = await guarded.api.get("/v1/evaluations", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", f"{COOKIE}=", f"{COOKIE}=é", f"{COOKIE}=%%%", f'{COOKIE}="', "=;="])
def test_what_is_no_session_of_ours_is_none(cookie: str) -> None:
    headers = Headers(raw=[(b"cookie", cookie.encode("latin-1"))])
    assert not session_key(headers)


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "x", "", "/a\nb"])
def test_nobody_is_sent_elsewhere_after_a_login(wanted: str) -> None:
    assert local_path(wanted) == "/"
    assert local_path("/evaluations?cursor=1") == "/evaluations?cursor=1"


def test_a_person_is_known_by_what_the_browser_asks_for() -> None:
    assert wants_page(Headers({"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}))
    assert not wants_page(Headers({"accept": "text/html, application/json"}))
    assert not wants_page(Headers({"accept": "*/*"}))
