"""A light client: requests that are bytes already, over connections that stay open, and how long each answer took.

An HTTP library would take more of the processor than the service that it measures.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"


@dataclass
class Answers:
    """Latencies in seconds, and how many answers were no success."""

    seconds: list[float] = field(default_factory=list)
    failures: int = 0

    def percentile(self, share: float) -> float:
        """The latency that this share of the answers does not pass."""
        return sorted(self.seconds)[min(int(share * len(self.seconds)), len(self.seconds) - 1)]


class Connection(asyncio.Protocol):
    """One request at a time: the next one goes out when the answer to the last one is whole."""

    def __init__(self, next_request: Callable[[], bytes | None], answers: Answers, done: asyncio.Future[None]) -> None:
        self._next, self._answers, self._done = next_request, answers, done
        self._received, self._whole, self._sent_at = b"", -1, 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._whole < 0:
            self._whole = _whole(self._received)
        if 0 <= self._whole <= len(self._received):
            self._answers.seconds.append(time.perf_counter() - self._sent_at)
            self._answers.failures += self._received[9:10] != b"2"
            self._received, self._whole = b"", -1
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._answers.failures += 1
            self._done.set_result(None)

    def _send(self) -> None:
        assert self._transport is not None
        request = self._next()
        if request is None:
            if not self._done.done():
                self._done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def _whole(received: bytes) -> int:
    """How long the answer is, -1 while its head is not whole."""
    end = received.find(_END)
    if end < 0:
        return -1
    length = _LENGTH.search(received, 0, end)
    return end + len(_END) + (int(length[1]) if length else 0)


async def ask(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Answers:
    """Send `requests` in turn for so long, as fast as the answers come."""
    answers, ends, sent = Answers(), time.monotonic() + seconds, 0

    def next_request() -> bytes | None:
        nonlocal sent
        sent += 1
        return requests[sent % len(requests)] if time.monotonic() < ends else None

    loop = asyncio.get_running_loop()
    pending = [loop.create_future() for _ in range(connections)]
    for done in pending:
        await loop.create_connection(partial(Connection, next_request, answers, done), "127.0.0.1", port)
    await asyncio.gather(*pending)
    return answers


def request(method: str, path: str, key: str, body: bytes = b"", kind: str = "application/json") -> bytes:
    """The bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
    if method == "POST":
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body
