"""`/login` and `/logout`, for people whose browser has to say who they are."""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from service.dashboard.shell import page
from service.pages import HEADERS
from service.sessions import check_same_origin, close_session, local_path, open_session

router = APIRouter(include_in_schema=False)


@router.get("/login")
async def login(
    request: Request,
    wanted: Annotated[str, Query(alias="next")] = "/",
    wrong: Annotated[bool, Query()] = False,
) -> Response:
    """Asks for a key; `wrong` where the one that a session had is not, or no longer, one."""
    answer = page(request, "login.html", wanted=local_path(wanted), is_wrong=wrong)
    if wrong:
        close_session(answer, secure=_is_secure(request))
    return answer


@router.post("/login")
async def begin(request: Request) -> Response:
    """Back to where one came from. Whether the key is one, that page finds out as any request does."""
    check_same_origin(request.headers)
    form = parse_qs((await request.body()).decode(errors="replace"))
    key, wanted = form.get("key", [""])[0].strip(), local_path(form.get("next", ["/"])[0])
    answer = RedirectResponse(wanted, status_code=303, headers=HEADERS)
    open_session(answer, key, secure=_is_secure(request))
    return answer


@router.post("/logout")
async def end(request: Request) -> Response:
    check_same_origin(request.headers)
    answer = RedirectResponse("/login", status_code=303, headers=HEADERS)
    close_session(answer, secure=_is_secure(request))
    return answer


def _is_secure(request: Request) -> bool:
    """Whether the browser came by TLS, which ends before us: its proxy says so."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))
