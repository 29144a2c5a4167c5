"""Values as answers: JSON bodies, entity tags, and what a client prefers."""

import hashlib
import re
from collections.abc import Mapping

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

MAX_WAIT_S = 60.0
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})")


def json_response(value: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`value` as JSON."""
    return Response(value.model_dump_json(), status, headers, media_type="application/json")


def etag_of(data: bytes) -> str:
    """A strong entity tag of these bytes."""
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def tagged_response(
    request: Request, data: bytes, etag: str, *, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """`data` with its tag, or 304 where the client has just that."""
    sent = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization", **(headers or {})}
    if is_known(request, etag):
        return Response(status_code=304, headers=sent)
    return Response(data, headers=sent, media_type=media_type)


def is_known(request: Request, etag: str) -> bool:
    """Whether If-None-Match names `etag`; weak comparison, as RFC 9110 has it for GET."""
    known = request.headers.get("if-none-match", "")
    return known.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in known.split(","))


def preferred_wait_s(request: Request) -> float | None:
    """The N of `Prefer: wait=N` (RFC 7240), cut at a minute; None where nothing is preferred."""
    match = _WAIT.search(request.headers.get("prefer", ""))
    return min(float(match[1]), MAX_WAIT_S) if match else None
