"""The frame of every page: where one is, where one can go, and who one is."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from service.pages import HEADERS, render
from service.scopes import SCOPE_OF
from service.sessions import session_key

LEADERBOARD = "/leaderboard"
_PLACES = (
    ("/", "Overview"),
    ("/evaluations", "Evaluations"),
    ("/policies", "Policies"),
    ("/trainings", "Trainings"),
    (LEADERBOARD, "Leaderboard"),
    ("/workers", "Workers"),
    ("/reference", "Reference"),
    ("/docs", "API"),
)


@dataclass(frozen=True)
class Place:
    """An entry of the navigation."""

    path: str
    title: str
    is_current: bool


@dataclass(frozen=True)
class Shell:
    places: tuple[Place, ...]
    is_signed_in: bool


def shell_of(path: str, *, is_signed_in: bool, has_leaderboard: bool) -> Shell:
    """The frame at `path`."""
    shown = [(at, title) for at, title in _PLACES if at != LEADERBOARD or has_leaderboard]
    return Shell(tuple(Place(at, title, _is_within(path, at)) for at, title in shown), is_signed_in)


def page(request: Request, name: str, *, status: int = 200, **values: Any) -> Response:
    """The page that a template makes of `values`, in its frame."""
    shell = shell_of(
        request.scope["path"],
        is_signed_in=session_key(request.headers) is not None,
        has_leaderboard=is_served(LEADERBOARD),
    )
    return HTMLResponse(render(name, shell=shell, **values), status, HEADERS)


def is_served(path: str) -> bool:
    """Whether this service has something to show at `path`, written as routes are."""
    return ("GET", path) in SCOPE_OF


def _is_within(path: str, place: str) -> bool:
    return path == place or (place != "/" and path.startswith(f"{place}/"))
