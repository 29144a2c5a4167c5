"""Who is asking: bearer keys, checked before a byte of the body is read."""

from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from saddlepoint.errors import (
    AccessDenied,
    Forbidden,
    ForeignHost,
    InvalidSpec,
    SaddlepointError,
    StoreError,
    Unauthenticated,
)
from saddlepoint.settings import LOOPBACK, PREFIX, Settings
from service.key_ring import ANYBODY, Caller, KeyRing
from service.problems import problem_response
from service.scopes import is_open
from service.sessions import SAFE_METHODS, check_same_origin, session_key, wants_page


class Authentication:
    """ASGI middleware that puts the caller into the request's state as `caller`, or answers 401 or 403."""

    def __init__(self, app: ASGIApp, *, ring: KeyRing, trust_network: bool) -> None:
        self._app = app
        self._ring = ring
        self._trust_network = trust_network

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            caller = await identify(HTTPConnection(scope), self._ring, trust_network=self._trust_network)
        except (AccessDenied, StoreError) as error:
            await _refusal(error, scope)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)


async def identify(request: HTTPConnection, ring: KeyRing, *, trust_network: bool) -> Caller:
    """Who sends this request. Raises Unauthenticated, Forbidden, ForeignHost and StoreError.

    Where there are no keys, everybody is one tenant. Unless the network is closed by other means than a bind to
    loopback, requests must then be addressed to loopback too. Who presents a wrong key is in the state as `stranger`.
    """
    if await ring.is_empty():
        if not trust_network:
            _check_host(request.headers.get("host", ""))
        _check_origin(request.headers)
        return ANYBODY
    key = _presented_key(request.headers, request.scope["method"])
    caller = None if key is None else await ring.find(key)
    if caller is None:
        if key:
            request.state.stranger = ring.stranger(key)
        raise Unauthenticated("A valid API key is required; send it as `Authorization: Bearer <key>`.")
    return caller


def check_bind(settings: Settings, ring: KeyRing) -> None:
    """Refuse to serve others than this machine without keys. May block. Raises InvalidSpec and StoreError."""
    if settings.host in LOOPBACK or settings.trust_network or settings.api_keys:
        return
    ring.read()
    if ring.has_none:
        raise InvalidSpec(
            f"A bind to {settings.host} needs API keys: make one with `saddlepoint keys create`, "
            f"set {PREFIX}API_KEYS=owner:key, or bind to 127.0.0.1."
        )


def _presented_key(headers: Headers, method: str) -> str | None:
    """The key of a program, or of a browser's session. Raises Forbidden where another site would use the latter."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme:
        return key.strip() if scheme.lower() == "bearer" else None
    found = session_key(headers)
    if found is not None and method not in SAFE_METHODS:
        check_same_origin(headers)
    return found


def _refusal(error: SaddlepointError, scope: Scope) -> Response:
    """People without a key are asked for one; `wrong` where the one they have is none."""
    headers = Headers(scope=scope)
    if isinstance(error, Unauthenticated) and scope["method"] in ("GET", "HEAD") and wants_page(headers):
        query = scope["query_string"].decode("latin-1")
        wanted = scope["path"] + (f"?{query}" if query else "")
        wrong = "&wrong=1" if session_key(headers) else ""
        return RedirectResponse(f"/login?next={quote(wanted)}{wrong}", status_code=303)
    return problem_response(error, instance=scope["path"], asked=headers)


def _check_origin(headers: Headers) -> None:
    """Refuse a web page of another site: on a machine without keys its browser could act for its reader."""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        raise Forbidden("Pages of other sites may not use a service without API keys; set SADDLEPOINT_API_KEYS.")


def _check_host(host: str) -> None:
    """Refuse a name that is not loopback's: a page can have its own name resolved to this machine (DNS rebinding).

    To the reader's browser it then is of the same origin as this service, and the Origin header tells nothing.
    """
    if not _is_loopback(host):
        raise ForeignHost(
            f"Without API keys only requests to localhost, 127.0.0.1 or [::1] are answered, got Host {host[:80]!r}. "
            "Use one of these, or set SADDLEPOINT_API_KEYS."
        )


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
