"""A service on a real socket of this machine."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from tests.processes import wait_until


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """`app` under uvicorn in a thread, at the URL that is given."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_until(lambda: server.started, within_s=60, what="the start of the server")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


class RawClient:
    """A client that may break off, dawdle, or send what no library would."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def head(self, method: str, path: str, **headers: object) -> None:
        """Send a request's head; underscores in names stand for dashes."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def send_until_refused(self, chunk: bytes, count: int) -> int:
        """Send chunks until the server closes; how many bytes it let in."""
        sent = 0
        for _ in range(count):
            try:
                self.socket.sendall(chunk)
            except OSError:
                break
            sent += len(chunk)
        return sent

    def answer(self) -> bytes:
        """All that the server sends until it closes."""
        received = b""
        while chunk := self._receive():
            received += chunk
        return received

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""
