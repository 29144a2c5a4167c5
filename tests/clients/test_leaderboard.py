"""The leaderboard, by both clients and on the command line."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clients import AttackClient
from clients.cli import main
from saddlepoint.schemas.leaderboard import Board, LeaderboardPage
from tests.clients import fakes
from tests.clients.fakes import Service, answer
from tests.standings import board, standing

CARTPOLE = "CartPole-v1"


def a_board(env: str = CARTPOLE, **more: Any) -> Board:
    standings = [standing(1, 97.5, "hardened"), standing(2, None)]
    return Board(**board(env).model_dump(), size=12, first=1, items=standings, **more)


def test_boards_come_through_all_pages(call: Callable[..., Any]) -> None:
    first = LeaderboardPage(items=[a_board()], next_cursor="c")
    service = Service(answer(first), answer(LeaderboardPage(items=[a_board("Pole-v1")])))
    found = call(service, lambda client: client.leaderboard(CARTPOLE, top=3))
    assert [each.env for each in found] == [CARTPOLE, "Pole-v1"]
    assert service.paths == [
        "GET /v1/leaderboard?top=3&env=CartPole-v1",
        "GET /v1/leaderboard?top=3&env=CartPole-v1&cursor=c",
    ]


def test_the_command_prints_a_table_a_board(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Service(answer(LeaderboardPage(items=[a_board()])))

    def connect(url: str | None, api_key: str | None) -> AttackClient:
        return AttackClient(fakes.URL, retries=fakes.IMPATIENT, transport=httpx.MockTransport(service))

    monkeypatch.setattr("clients.commands.connect", connect)
    assert main(["leaderboard", "--env", CARTPOLE]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "CartPole-v1: none, ce@4; 12 evaluated"
    assert lines[3].split() == ["1", "hardened", "atpa", "99.50", "[97.50,", "101.50]", "ce", "99.5%", "90.00", "e1"]
    assert lines[4].split()[:5] == ["2", "00000000", "-", "2.00", "-"]
