"""What is entered of an evaluation, and taken back."""

from pathlib import Path

import pytest

from saddlepoint.errors import InvalidRequest
from saddlepoint.standings import read_board, read_environments, read_leaderboard
from saddlepoint.store.local import LocalStore
from tests.standings import board, fill, standing


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def test_environments_are_named_once(store: LocalStore, tmp_path: Path) -> None:
    for env, epsilon in (("ALE/Pong-v5", 1.0), ("CartPole-v1", 0.1), ("ALE/Pong-v5", 2.0)):
        fill(tmp_path, board(env, epsilon), [standing(0, 1.0)])
    assert read_environments(store, "default") == ["ALE/Pong-v5", "CartPole-v1"]
    assert read_environments(store, "somebody_else") == []


def test_environments_with_one_beginning_are_kept_apart(store: LocalStore, tmp_path: Path) -> None:
    for env in ("Pole", "Pole.v1"):
        fill(tmp_path, board(env), [standing(0, 1.0)])
    found = read_leaderboard(store, "default", "Pole", top=3, limit=10)
    assert [each.env for each in found.items] == ["Pole"]


def test_a_cursor_stays_good_while_entries_come(store: LocalStore, tmp_path: Path) -> None:
    record = board()
    fill(tmp_path, record, [standing(number, float(number)) for number in range(4)])
    first = read_board(store, "default", record.id, 2)
    fill(tmp_path, record, [standing(9, 2.5)])
    second = read_board(store, "default", record.id, 2, first.next_cursor)
    assert [each.evaluation_id for each in (*first.items, *second.items)] == ["e3", "e2", "e1", "e0"]
    assert (second.first, second.size) == (4, 5)


def test_a_cursor_of_any_length_is_refused(store: LocalStore, tmp_path: Path) -> None:
    fill(tmp_path, board(), [])
    for cursor in ("", "x" * 401):
        with pytest.raises(InvalidRequest, match="next_cursor"):
            read_board(store, "default", board().id, 2, cursor)
