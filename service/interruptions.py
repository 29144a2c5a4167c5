"""What a request is told that is cut off because the service ends: to come again."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from saddlepoint.errors import Unavailable
from service.problems import problem_response


class Interruptions:
    """ASGI wrapper around the application: a request that is canceled before its answer began is answered 503.

    The server cancels what has not ended some seconds after it was told to end, and would say 500 itself.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def send_noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except asyncio.CancelledError:
            if scope["type"] != "http" or has_begun:
                raise
            error = Unavailable("The service ended before this was done, as for an update. Send it again.")
            asked = Headers(scope=scope)
            answer = problem_response(error, asked=asked, instance=scope["path"], headers={"Connection": "close"})
            await answer(scope, receive, send)
