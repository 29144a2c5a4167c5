"""`/v1/leaderboard`, and the page of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from saddlepoint.schemas.leaderboard import Board, LeaderboardPage
from saddlepoint.standings import read_board, read_environments, read_leaderboard
from service.context import ContextOf, OwnerOf
from service.dashboard.shell import page
from service.leaderboard import board_view
from service.rendering import json_response
from service.requests import DEFAULT_PAGE, Cursor, Limit
from service.wire import board_with_links

router = APIRouter(tags=["leaderboard"])

DEFAULT_TOP = 10
_ROWS = 50
_BOARDS = 10
"""Of a page of HTML."""

Env = Annotated[str | None, Query(max_length=200, description="the id of an environment; all of them where left out")]
Top = Annotated[int, Query(ge=1, le=50, description="entries of each board")]


@router.get(
    "/v1/leaderboard",
    response_model=LeaderboardPage,
    summary="Policies that were evaluated alike, the most robust first",
)
async def index(
    context: ContextOf,
    owner: OwnerOf,
    env: Env = None,
    top: Top = DEFAULT_TOP,
    limit: Limit = DEFAULT_PAGE,
    cursor: Cursor = None,
) -> Response:
    """A board holds the evaluations of one specification, which differ in the policy alone.

    They are ordered by the lower bound of the worst case that was found for each.
    """

    def read() -> LeaderboardPage:
        return read_leaderboard(context.store, owner, env, top=top, limit=limit, cursor=cursor)

    found = await run_in_threadpool(read)
    boards = [board_with_links(board) for board in found.items]
    return json_response(LeaderboardPage(items=boards, next_cursor=found.next_cursor))


@router.get(
    "/v1/leaderboard/{board_id}", response_model=Board, summary="One board, from the most to the least robust policy"
)
async def show(
    board_id: str, context: ContextOf, owner: OwnerOf, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None
) -> Response:
    """`first` is the place of the first entry of the page."""
    board = await run_in_threadpool(read_board, context.store, owner, board_id, limit, cursor)
    return json_response(board_with_links(board))


@router.get("/leaderboard", include_in_schema=False)
async def leaderboard(
    request: Request, context: ContextOf, owner: OwnerOf, env: Env = None, cursor: Cursor = None
) -> Response:
    """All boards with their best."""

    def read() -> LeaderboardPage:
        return read_leaderboard(context.store, owner, env, top=DEFAULT_TOP, limit=_BOARDS, cursor=cursor)

    found = await run_in_threadpool(read)
    environments = await run_in_threadpool(read_environments, context.store, owner)
    views = [board_view(board) for board in found.items]
    shown = {"views": views, "env": env, "environments": environments, "cursor": cursor}
    return _page(request, shown, board_page=None, next_cursor=found.next_cursor)


@router.get("/leaderboard/{board_id}", include_in_schema=False)
async def whole_board(
    request: Request, board_id: str, context: ContextOf, owner: OwnerOf, cursor: Cursor = None
) -> Response:
    """The whole of one board, page by page."""
    board = await run_in_threadpool(read_board, context.store, owner, board_id, _ROWS, cursor)
    shown = {"views": [board_view(board)], "env": board.env, "environments": [], "cursor": cursor}
    return _page(request, shown, board_page=board.id, next_cursor=board.next_cursor)


def _page(request: Request, shown: dict[str, Any], *, board_page: str | None, next_cursor: str | None) -> Response:
    return page(request, "leaderboard.html", **shown, board_page=board_page, next_cursor=next_cursor)
