"""Errors as answers: every refusal leaves the service here, as `application/problem+json` (RFC 9457)."""

from collections.abc import Mapping

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response

from saddlepoint.errors import (
    InternalError,
    InvalidRequest,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    SaddlepointError,
    TooManyRequests,
)
from saddlepoint.schemas.problems import problem_of
from service import pages
from service.pages import render
from service.request_ids import REQUEST_ID
from service.scopes import methods_of
from service.sessions import wants_page

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = "5"
MAX_DETAIL = 2000
"""Characters of a detail; a message may quote what somebody sent."""
_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": 'Bearer realm="saddlepoint"'},
    503: {"Retry-After": RETRY_AFTER_S},
}


def problem_response(
    error: SaddlepointError,
    *,
    asked: Headers,
    instance: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer that tells of `error`, with the headers that its status calls for: a page where a person `asked`."""
    problem = problem_of(error, instance=instance).model_copy(update={"request_id": REQUEST_ID.get()})
    if len(problem.detail) > MAX_DETAIL:
        problem = problem.model_copy(update={"detail": problem.detail[:MAX_DETAIL] + "…"})
    sent = {**_HEADERS.get(problem.status, {}), **_pause(error), **(headers or {})}
    if wants_page(asked):
        page = render("problem.html", problem=problem)
        return HTMLResponse(page, status_code=problem.status, headers={**pages.HEADERS, **sent})
    body = problem.model_dump_json(exclude_none=True)
    return Response(body, status_code=problem.status, media_type=MEDIA_TYPE, headers=sent)


def _pause(error: SaddlepointError) -> dict[str, str]:
    return {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooManyRequests) else {}


def install(app: FastAPI) -> None:
    """Answer every error of `app` as a problem."""
    app.add_exception_handler(SaddlepointError, _ours)
    app.add_exception_handler(HTTPException, _of_the_framework)
    app.add_exception_handler(RequestValidationError, _parameters)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, SaddlepointError)
    return problem_response(error, asked=request.headers, instance=request.scope["path"])


async def _of_the_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.scope["path"]
    translated: SaddlepointError
    if error.status_code == 404:
        translated = NotFound(f"There is nothing at {path}; GET /docs lists what there is.")
    elif error.status_code == 405:
        translated = MethodNotAllowed(f"{request.method} is not allowed on {path}; the Allow header lists what is.")
    elif error.status_code < 500:
        translated = MalformedRequest("The request could not be read; compare it with GET /docs.")
    else:
        translated = InternalError("The request could not be answered; the log of the service says why.")
    headers = {"Allow": ", ".join(methods_of(path))} if error.status_code == 405 else error.headers
    return problem_response(translated, asked=request.headers, instance=path, headers=headers)


async def _parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = tuple((".".join(map(str, entry["loc"])), entry["msg"]) for entry in error.errors())
    message = "Parameters of the request are not valid; `errors` names each, GET /docs says what they may be."
    return problem_response(InvalidRequest(message, fields), asked=request.headers, instance=request.scope["path"])


async def _gone(request: Request, gone: Exception) -> Response:
    error = MalformedRequest("The connection ended before the body did.")
    return problem_response(error, asked=request.headers, instance=request.scope["path"])


async def _unexpected(request: Request, error: Exception) -> Response:
    """The server logs the exception itself, which the framework raises again after this answer."""
    message = "The service met an error of its own; it has been logged. Sending the request again is safe."
    return problem_response(InternalError(message), asked=request.headers, instance=request.scope["path"])
