"""What browsers are told about every answer; a route that knows better says so itself."""

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
