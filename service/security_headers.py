"""What browsers are told about every answer; a route that knows better says so itself."""

import base64
import hashlib
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",  # with less, browsers hide from us too where a form was sent from
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_RAW = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
_OVER_HTTPS = [*_RAW, (b"strict-transport-security", b"max-age=31536000")]
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)
_REST = "; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


class SecurityHeaders:
    """ASGI wrapper that adds the headers which an answer does not have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                wanted = _OVER_HTTPS if scope.get("scheme") == "https" else _RAW
                message["headers"] = [*message["headers"], *(raw for raw in wanted if raw[0] not in present)]
            await send(message)

        await self._app(scope, receive, send_guarded)


def page_policy(source: str) -> str:
    """The Content-Security-Policy of a page of our own, from its source before anything is filled in.

    Everything comes from this service; of what stands in the page, only the scripts and styles of the source run.
    """
    allowed: dict[str, list[str]] = {"script": [], "style": []}
    for kind, text in _INLINE.findall(source):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        allowed[kind].append(f" 'sha256-{digest}'")
    directives = [f"; {kind}-src 'self'{''.join(found)}" for kind, found in allowed.items() if found]
    return f"default-src 'self'{''.join(directives)}{_REST}"
