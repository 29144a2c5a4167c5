"""A receiver of webhooks on this machine, which remembers what it was told."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.certificates import client_tls, make_certificate, server_tls
from worker.webhooks import Poster

NAME = "receiver.test"


@dataclass
class Receiver:
    """`answers` are given one after the other, the last of them for ever; 0 is silence."""

    port: int
    tls: ssl.SSLContext
    answers: list[int] = field(default_factory=lambda: [204])
    told: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    """That clients asked for in their handshakes."""
    resolved: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}/hook?a=1"

    def poster(self, *addresses: str, **more: Any) -> Poster:
        """One that is let in here, and resolves names to each of these addresses in turn, the last of them for ever."""
        known = list(addresses or ["127.0.0.1"])

        def resolve(host: str, port: int) -> list[str]:
            self.resolved.append(host)
            return [known.pop(0) if len(known) > 1 else known[0]]

        return Poster(resolve=resolve, is_allowed=lambda address: address == "127.0.0.1", tls=self.tls, **more)


@contextmanager
def receiving(folder: Path) -> Iterator[Receiver]:
    """A receiver over TLS, at a free port."""
    certificate = make_certificate(folder, NAME)
    context = server_tls(certificate)
    server = _Server(("127.0.0.1", 0), _Handler)
    receiver = server.receiver = Receiver(server.server_port, client_tls(certificate))
    context.sni_callback = lambda connection, name, _: receiver.names.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    receiver: Receiver
    block_on_close = False

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], address: Any) -> None:
        """Clients that hang up are what tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["content-length"]))
        receiver.told.append(({name.lower(): value for name, value in self.headers.items()}, body))
        status = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
        if status == 0:
            time.sleep(2)
            return
        self.send_response(status)
        self.send_header("Location", f"https://127.0.0.1:{receiver.port}/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Tests say nothing."""
