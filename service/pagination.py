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
    names = [key.removeprefix(prefix) for key in store.list(prefix)]
    older = [name for name in reversed(names) if cursor is None or name < cursor]
    page = older[:limit]
    return IdPage(
        ids=[name.partition("-")[2] for name in page],
        next_cursor=page[-1] if len(older) > limit else None,
    )
