"""The leaderboard in the store: a record an evaluation under a name that sorts by rank, so that a page is a listing."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from saddlepoint.errors import InvalidRequest, NotFound
from saddlepoint.schemas import keys
from saddlepoint.schemas.comparability import setting_of
from saddlepoint.schemas.evaluations import EvaluationRecord
from saddlepoint.schemas.leaderboard import (
    Board,
    BoardRecord,
    LeaderboardPage,
    Standing,
    board_of,
    env_prefix,
    rank_of,
    standing_of,
)
from saddlepoint.schemas.plans import Plan
from saddlepoint.schemas.reports import RobustnessReport
from saddlepoint.store import Store, find_record, get_record, put_record

_MOST_ENVIRONMENTS = 40


def put_standing(store: Store, plan: Plan, report: RobustnessReport) -> None:
    """Enter an evaluation that is about to succeed; repeating it is harmless."""
    place = _place(store, plan, report)
    put_record(store, keys.board(place.owner, place.board.id), place.board)
    put_record(store, place.key, place.standing)


def drop_standing(store: Store, plan: Plan, report: RobustnessReport) -> None:
    """Take back what was entered for an evaluation that was canceled meanwhile."""
    store.delete(_place(store, plan, report).key)


@dataclass(frozen=True)
class _Place:
    owner: str
    board: BoardRecord
    standing: Standing

    @property
    def key(self) -> str:
        rank = rank_of(self.standing.lower_bound)
        return keys.standing(self.owner, self.board.id, rank, self.standing.evaluation_id)


def _place(store: Store, plan: Plan, report: RobustnessReport) -> _Place:
    record = get_record(store, keys.evaluation_spec(plan.evaluation_id), EvaluationRecord)
    board = board_of(setting_of(record.spec, plan))
    return _Place(record.owner, board, standing_of(report))


def read_board(store: Store, owner: str, board_id: str, limit: int, cursor: str | None = None) -> Board:
    """A page of a board, the best first. Raises NotFound, and InvalidRequest for a cursor that is none."""
    record = find_record(store, keys.board(owner, board_id), BoardRecord)
    if record is None:
        raise NotFound(f"There is no board {board_id[:64]}; GET /v1/leaderboard lists yours.")
    prefix = keys.standings(owner, record.id)
    names = [key.removeprefix(prefix) for key in store.list(prefix)]
    first = _after(names, cursor)
    page = names[first : first + limit]
    return Board(
        **record.model_dump(),
        size=len(names),
        first=first + 1,
        items=[get_record(store, prefix + name, Standing) for name in page],
        next_cursor=page[-1] if first + limit < len(names) else None,
    )


def read_leaderboard(
    store: Store, owner: str, env: str | None, *, top: int, limit: int, cursor: str | None = None
) -> LeaderboardPage:
    """A page of boards by environment, each with its `top` best; those of `env` only where it is given."""
    prefix = keys.boards(owner)
    names = [key.removeprefix(prefix).removesuffix(".json") for key in store.list(prefix + _of(env))]
    first = _after(names, cursor)
    page = names[first : first + limit]
    boards = [read_board(store, owner, name, top) for name in page]
    return LeaderboardPage(
        items=[board for board in boards if env in (None, board.env)],
        next_cursor=page[-1] if first + limit < len(names) else None,
    )


def read_environments(store: Store, owner: str) -> list[str]:
    """The environments that have boards, at most 40 of them."""
    prefix, found = keys.boards(owner), dict[str, str]()
    for key in store.list(prefix):
        start = key.removeprefix(prefix).rpartition(".")[0].rpartition(".")[0]
        if start not in found and len(found) < _MOST_ENVIRONMENTS:
            found[start] = get_record(store, key, BoardRecord).env
    return sorted(found.values())


def _of(env: str | None) -> str:
    return "" if env is None else env_prefix(env)


def _after(names: Sequence[str], cursor: str | None) -> int:
    """Where a page begins; a cursor stays good while entries come and go."""
    if cursor is None:
        return 0
    if not cursor or len(cursor) > 400:
        raise InvalidRequest("A cursor is the next_cursor of an earlier page; leave it out for the first page.")
    return bisect_right(names, cursor)
