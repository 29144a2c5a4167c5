"""/v1/leaderboard and /leaderboard over the whole application."""

import time
from pathlib import Path
from typing import Any

import pytest

from saddlepoint.assets import script
from tests.evaluation.test_html import HOSTILE, Page
from tests.service.bench import Bench, make_bench
from tests.standings import board, fill, standing

pytestmark = pytest.mark.anyio
PONG = "PongNoFrameskip-v4"


def filled(bench: Bench, *lower: float | None, **of: Any) -> str:
    """The id of a board with evaluations `e0` and so on, with these lower bounds."""
    record = board(**of)
    fill(bench.folder / "store", record, [standing(number, bound) for number, bound in enumerate(lower)])
    return record.id


async def names(bench: Bench, path: str, **params: Any) -> list[str]:
    items = (await bench.api.get(path, params=params)).json()["items"]
    return [item["evaluation_id"] for item in items]


async def test_a_board_is_ordered_by_the_lower_bound_of_the_worst_case(bench: Bench) -> None:
    board_id = filled(bench, 5.0, -20.0, None, 97.5, -3.0)
    answer = await bench.api.get(f"/v1/leaderboard/{board_id}")
    found = answer.json()
    assert [item["evaluation_id"] for item in found["items"]] == ["e3", "e0", "e4", "e1", "e2"]
    assert (found["size"], found["first"], found["next_cursor"]) == (5, 1, None)
    assert found["links"]["self"] == f"/v1/leaderboard/{board_id}"


async def test_pages_go_on_where_the_last_one_ended(bench: Bench) -> None:
    board_id = filled(bench, *(float(number) for number in range(7)))
    path, seen, cursor, firsts = f"/v1/leaderboard/{board_id}", [], None, []
    while True:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await bench.api.get(path, params=params)).json()
        seen += [item["evaluation_id"] for item in page["items"]]
        firsts.append(page["first"])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (seen, firsts) == ([f"e{number}" for number in reversed(range(7))], [1, 4, 7])


async def test_boards_of_one_environment_stand_apart_from_those_of_others(bench: Bench) -> None:
    four, one, pong = filled(bench, 1.0), filled(bench, 2.0, epsilon=1.0), filled(bench, 3.0, env=PONG)
    everything = (await bench.api.get("/v1/leaderboard")).json()["items"]
    assert {each["id"] for each in everything} == {four, one, pong}
    of_pong = (await bench.api.get("/v1/leaderboard", params={"env": PONG})).json()["items"]
    assert [each["id"] for each in of_pong] == [pong]
    assert (await bench.api.get("/v1/leaderboard", params={"env": "PongNo"})).json()["items"] == []


async def test_the_overview_has_the_best_of_each_board_and_pages(bench: Bench) -> None:
    boards = [filled(bench, *(float(n) for n in range(12)), env=f"Env-v{number}") for number in range(3)]
    first = (await bench.api.get("/v1/leaderboard", params={"limit": 2, "top": 4})).json()
    second = (await bench.api.get("/v1/leaderboard", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [each["id"] for each in (*first["items"], *second["items"])] == boards
    assert [len(each["items"]) for each in (*first["items"], *second["items"])] == [4, 4, 10]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("board_id", ["nothing", "..", "b.%2e%2e", "a b"])
async def test_a_board_that_is_not_there_is_not_found(bench: Bench, board_id: str) -> None:
    answer = await bench.api.get(f"/v1/leaderboard/x{board_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_owners_see_only_their_own(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, api_keys={"a": "ann", "b": "bob"})
    record = board()
    fill(bench.folder / "store", record, [standing(0, 1.0)], owner="ann")
    async with bench.api:
        ann, bob = {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}
        assert (await bench.api.get(f"/v1/leaderboard/{record.id}", headers=ann)).status_code == 200
        assert (await bench.api.get(f"/v1/leaderboard/{record.id}", headers=bob)).status_code == 404
        assert (await bench.api.get("/v1/leaderboard", headers=bob)).json()["items"] == []
        assert (await bench.api.get("/leaderboard", headers={})).status_code == 401


async def seconds(bench: Bench, path: str) -> float:
    """Of computing, which other processes on the machine do not prolong."""
    began = time.process_time()
    await bench.api.get(path)
    return time.process_time() - began


async def test_a_page_reads_what_it_shows_however_many_there_are(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    board_id = filled(bench, *(float(number % 977) for number in range(10_000)))
    read: list[str] = []
    get = bench.store.get

    def counted(key: str) -> bytes:
        read.append(key)
        return get(key)

    monkeypatch.setattr(bench.store, "get", counted)
    page = await bench.api.get("/leaderboard")
    assert "All 10,000 evaluations" in page.text
    assert len(read) <= 13
    assert len(page.content) < 200_000
    assert min([await seconds(bench, path) for path in ["/leaderboard"] * 5]) < 0.1
    whole = await bench.api.get(f"/leaderboard/{board_id}")
    assert "10,000 evaluations, places 1 to 50" in Page(whole.text).text


async def test_the_page_stands_alone_and_lets_its_tables_be_sorted(bench: Bench) -> None:
    filled(bench, 5.0, None, -3.0)
    answer = await bench.api.get("/leaderboard")
    page = Page(answer.text)
    assert page.open == []
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.text.count("data-sortable") == 1
    sources = [str(attributes["src"]) for tag, attributes in page.tags if tag == "script"]
    (source,) = [each for each in sources if each.endswith("/sort.js")]
    served = await bench.api.get(source)
    assert (served.text, served.headers["content-type"]) == (script("sort"), "text/javascript; charset=utf-8")


async def test_rows_lead_to_reports_and_names_are_text(bench: Bench) -> None:
    fill(bench.folder / "store", board(), [standing(0, 5.0, HOSTILE), standing(1, 4.0)])
    text = (await bench.api.get("/leaderboard")).text
    assert "<script>" not in text
    assert '<a href="/v1/evaluations/e1/report?format=html">Policy 00000000</a>' in text


async def test_an_empty_leaderboard_says_what_to_do(bench: Bench) -> None:
    page = Page((await bench.api.get("/leaderboard")).text)
    assert "Nobody stands here yet" in page.text
    assert "saddlepoint evaluate" in page.text


async def test_a_cursor_leads_on_through_the_pages(bench: Bench) -> None:
    board_id = filled(bench, *(float(number) for number in range(60)))
    first = Page((await bench.api.get(f"/leaderboard/{board_id}")).text)
    (following,) = [attributes["href"] for _, attributes in first.tags if attributes.get("rel") == "next"]
    second = Page((await bench.api.get(str(following))).text)
    assert "places 51 to 60" in second.text
