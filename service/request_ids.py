"""A name for each request: the client's or ours, in the answer, in problems, and in every line of the log."""

import logging
import re
from contextvars import ContextVar
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-Id"
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What a client may choose: it is written into logs and keys."""

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request that is being answered, also in the threads that work for it."""


class RequestIds:
    """ASGI wrapper around everything, so that the answer to an error of our own has its name too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _chosen(Headers(scope=scope).get(HEADER))

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        token = REQUEST_ID.set(request_id)
        try:
            await self._app(scope, receive, send_named)
        finally:
            REQUEST_ID.reset(token)


class WithRequestId(logging.Filter):
    """Gives every record of a handler a `request_id`, None outside of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = REQUEST_ID.get()
        return True


def _chosen(wanted: str | None) -> str:
    return wanted if wanted is not None and _PLAIN.fullmatch(wanted) else uuid4().hex
