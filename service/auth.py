"""Who is asking: bearer keys, checked before a byte of the body is read."""

import hashlib
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from saddlepoint.errors import AccessDenied, Forbidden, ForeignHost, Unauthenticated
from service.problems import problem_response

DEFAULT_OWNER = "default"
OPEN_PATHS = frozenset({"/", "/docs", "/openapi.json", "/livez", "/readyz"})
"""Answered to anybody: they tell nothing of what is stored."""


class Authentication:
    """ASGI middleware that puts the caller's name into the request's state as `owner`, or answers 401 or 403.

    Without keys there is one owner, `default`; settings see to it that this is only so where the network is closed.
    Unless that is so by other means than a bind to loopback, requests must be addressed to loopback too.
    """

    def __init__(self, app: ASGIApp, *, api_keys: Mapping[str, str], trust_network: bool) -> None:
        self._app = app
        self._trust_network = trust_network
        self._owners = {_fingerprint(key): owner for key, owner in api_keys.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        try:
            scope.setdefault("state", {})["owner"] = self._owner(Headers(scope=scope))
        except AccessDenied as error:
            await problem_response(error, instance=scope["path"])(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _owner(self, headers: Headers) -> str:
        """Who sends these headers. Raises Unauthenticated, Forbidden or ForeignHost."""
        if not self._owners:
            if not self._trust_network:
                _check_host(headers.get("host", ""))
            _check_origin(headers)
            return DEFAULT_OWNER
        scheme, _, key = headers.get("authorization", "").partition(" ")
        owner = self._owners.get(_fingerprint(key.strip())) if scheme.lower() == "bearer" else None
        if owner is None:
            raise Unauthenticated("A valid API key is required; send it as `Authorization: Bearer <key>`.")
        return owner


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


def _fingerprint(key: str) -> bytes:
    """Keys are looked up by digest, so that the time of a look-up says nothing of a key."""
    return hashlib.sha256(key.encode()).digest()
