from pathlib import Path

import pytest

from saddlepoint.errors import InvalidRequest
from saddlepoint.store.local import LocalStore
from service.pagination import IdPage, read_page

PREFIX = "index/me/evaluations/"


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    made = LocalStore(tmp_path)
    for second in range(5):
        made.put(f"{PREFIX}20260102T12000{second}000000-id{second}", b"")
    made.put("index/metoo/evaluations/20260102T120000000000-other", b"")
    return made


def test_pages_go_back_in_time(store: LocalStore) -> None:
    first = read_page(store, PREFIX, 2, None)
    second = read_page(store, PREFIX, 2, first.next_cursor)
    third = read_page(store, PREFIX, 2, second.next_cursor)
    assert [first.ids, second.ids, third.ids] == [["id4", "id3"], ["id2", "id1"], ["id0"]]
    assert third.next_cursor is None


def test_new_entries_do_not_shift_a_page(store: LocalStore) -> None:
    cursor = read_page(store, PREFIX, 2, None).next_cursor
    store.put(f"{PREFIX}20260102T130000000000-new", b"")
    assert read_page(store, PREFIX, 2, cursor).ids == ["id2", "id1"]


def test_an_empty_index_is_an_empty_page(store: LocalStore) -> None:
    assert read_page(store, "index/nobody/evaluations/", 2, None) == IdPage([], None)


@pytest.mark.parametrize("cursor", ["", "x", "../../secret", "20260102T120000000000-", "\0"])
def test_a_cursor_of_ones_own_is_refused(store: LocalStore, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        read_page(store, PREFIX, 2, cursor)
