"""HEAD on every route that has GET: the same answer without its body (RFC 9110, 9.3.2)."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    """ASGI middleware around the routes, to which HEAD is GET; to all others it is what was sent.

    What answers is stopped when its head is out: a file is not read, a stream of events ends at once.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        asked = {**scope, "method": "GET"}
        answering = asyncio.timeout(None)

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["route"] = asked.get("route")  # whoever is around this counts by it
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                answering.reschedule(0)

        try:
            async with answering:
                await self._app(asked, receive, send_head)
        except TimeoutError:
            if not answering.expired():
                raise
