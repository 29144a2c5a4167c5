"""Pages over a put-once index, newest first."""

import re
from dataclasses import dataclass

from saddlepoint.errors import InvalidRequest
from saddlepoint.store import Store

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
_CURSOR = re.compile(r"[0-9T]{8,40}-[A-Za-z0-9_]{1,100}")


@dataclass(frozen=True)
class IdPage:
    """Ids of a page, newest first, and where the next one begins."""

    ids: list[str]
    next_cursor: str | None


def read_page(store: Store, prefix: str, limit: int, cursor: str | None) -> IdPage:
    """A page of the index below `prefix`. A cursor stays good while entries come and go. Raises InvalidRequest."""
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise InvalidRequest("A cursor is the next_cursor of an earlier page; leave it out for the first page.")
    names = _names(store, prefix)
    older = names if cursor is None else [name for name in names if name < cursor]
    page = older[:limit]
    return IdPage(ids=[_id_of(name) for name in page], next_cursor=page[-1] if len(older) > limit else None)


def ids_of(store: Store, prefix: str) -> list[str]:
    """All ids of the index below `prefix`, newest first."""
    return [_id_of(name) for name in _names(store, prefix)]


def _names(store: Store, prefix: str) -> list[str]:
    return [key.removeprefix(prefix) for key in store.list(prefix)][::-1]


def _id_of(name: str) -> str:
    return name.partition("-")[2]
