"""How large and how slow a request's body may be, for every route alike."""

import asyncio
import time
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from saddlepoint.errors import BodyTooLarge, SlowBody
from saddlepoint.schemas.observation_attacks import MAX_BYTES

MIB = 2**20
FORM_OVERHEAD = 3 * MIB
"""What a form may hold beside the file: two small parts and the boundaries."""
_HARMLESS = 64 * 2**10
"""An unread rest of this size is left to the server; a larger one ends the connection."""
_LINGER_S = 1.0
_LINGER_BYTES = MIB // 2


@dataclass(frozen=True)
class BodyLimits:
    """Sizes in bytes. A client's waiting time may reach `grace_s` + received / `bytes_per_s`, at most `total_s`."""

    upload_bytes: int
    json_bytes: int = MIB
    observation_bytes: int = 2 * MAX_BYTES + MIB
    """float64 takes twice what is attacked."""
    grace_s: float = 10.0
    bytes_per_s: float = 16 * 2**10
    total_s: float = 1800.0

    def of(self, path: str) -> int:
        """The largest body that `path` takes."""
        if path in ("/evaluate", "/v1/policies"):
            return self.upload_bytes + FORM_OVERHEAD
        if path == "/v1/attacks":
            return self.observation_bytes + FORM_OVERHEAD
        return self.json_bytes

    def patience_s(self, received: int) -> float:
        """How long a client may have let us wait by the time it has sent `received` bytes."""
        return min(self.grace_s + received / self.bytes_per_s, self.total_s)


class GuardedBodies:
    """ASGI middleware: the body that an application receives raises BodyTooLarge or SlowBody at its limits.

    An answer that is given before the body has come ends the connection. What is on its way is read for a moment and
    dropped: a connection that is closed over unread data is reset, and the client might lose the answer.
    """

    def __init__(self, app: ASGIApp, *, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive, self._limits)
        await self._app(scope, body.receive, _Answer(body, send).send)


class _Body:
    """The body of one request."""

    def __init__(self, scope: Scope, receive: Receive, limits: BodyLimits) -> None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        self.declared = int(length) if length.isdecimal() else None
        self.received = 0
        self.is_late = False
        self.complete = self.declared is None and "transfer-encoding" not in headers
        self._limits = limits
        self._largest = limits.of(scope["path"])
        self._receive = receive
        self._waited_s = 0.0

    async def receive(self) -> Message:
        if self.complete:
            return await self._receive()
        self._check_size(self.declared or 0)
        message = await self._receive_in_time()
        self.received += len(message.get("body", b""))
        self.complete = not message.get("more_body", False)
        self._check_size(self.received)
        return message

    async def drain(self) -> None:
        """Read and drop a little of the rest, unless it was waited for long enough."""
        if self.is_late:
            return
        enough = self.received + _LINGER_BYTES
        try:
            async with asyncio.timeout(_LINGER_S):
                while not self.complete and self.received < enough:
                    message = await self._receive()
                    self.received += len(message.get("body", b""))
                    self.complete = not message.get("more_body", False)
        except TimeoutError:
            return

    @property
    def is_abandoned(self) -> bool:
        """The rest is not waited for, or more than one would read only to drop it."""
        rest = None if self.declared is None else self.declared - self.received
        return not self.complete and (self.is_late or rest is None or rest > _HARMLESS)

    async def _receive_in_time(self) -> Message:
        started = time.monotonic()
        patience_s = self._limits.patience_s(self.received) - self._waited_s
        try:
            async with asyncio.timeout(max(patience_s, 0.0)):
                return await self._receive()
        except TimeoutError:
            self.is_late = True
            raise SlowBody(
                f"A body must come at {self._limits.bytes_per_s:,.0f} bytes a second or faster and be complete within "
                f"{self._limits.total_s:g} s; {self.received:,} bytes came. Send it again over a faster connection."
            ) from None
        finally:
            self._waited_s += time.monotonic() - started

    def _check_size(self, size: int) -> None:
        if size > self._largest:
            raise BodyTooLarge(
                f"A body may hold at most {self._largest:,} bytes here, got {size:,} or more. "
                "Send a smaller file, or raise SADDLEPOINT_MAX_UPLOAD_BYTES."
            )


class _Answer:
    """The answer to one request."""

    def __init__(self, body: _Body, send: Send) -> None:
        self._body = body
        self._send = send
        self._early = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._body.is_abandoned:
            self._early = True
            MutableHeaders(scope=message)["connection"] = "close"
        if self._early and message["type"] == "http.response.body" and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._body.drain()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)
