"""One POST to an address that was looked at: resolved once, connected to as such, and never sent on elsewhere."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from saddlepoint.schemas.addresses import is_public

_HTTPS = 443
_STEP_S = 10.0
_TOTAL_S = 20.0


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as this machine finds them. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class Poster:
    """How to get out. Whatever is not the default is a test's."""

    resolve: Callable[[str, int], list[str]] = resolve
    is_allowed: Callable[[str], bool] = is_public
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    step_s: float = _STEP_S
    total_s: float = _TOTAL_S
    """For everything after the name is resolved; a receiver that trickles is cut off."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the answer, whose body is not read. Raises NotPosted.

        A redirect is an answer like others. Names, ports and certificates are those of the URL, the address is the
        one that was checked: what the name resolves to a moment later does not matter.
        """
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _HTTPS
        connection = _Pinned(host, port, self._addresses_of(host, port), self.tls, self.step_s)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            with _deadline(connection, self.total_s):
                connection.request("POST", path, body, {**headers, "Host": parts.netloc})
                return connection.getresponse().status
        except TimeoutError:
            raise NotPosted("timeout") from None
        except (OSError, HTTPException, ValueError):
            raise NotPosted("timeout" if connection.is_late else "no-connection") from None
        finally:
            connection.close()

    def _addresses_of(self, host: str, port: int) -> list[str]:
        """Those of a name, all of which must be allowed: who mixes them hopes for the wrong one to be taken."""
        try:
            addresses = self.resolve(host, port)
        except (OSError, UnicodeError):
            addresses = []
        if not addresses:
            raise NotPosted("unresolved")
        if not all(map(self.is_allowed, addresses)):
            raise NotPosted("forbidden-address")
        return addresses


class NotPosted(Exception):
    """No answer came; `args[0]` is the reason of a WebhookAttempt."""


class _Pinned(HTTPSConnection):
    """A connection to `host` that asks nobody where that is."""

    def __init__(self, host: str, port: int, addresses: list[str], tls: ssl.SSLContext, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s, context=tls)
        self._addresses, self._tls, self._timeout_s = addresses, tls, timeout_s
        self.is_late = False

    def connect(self) -> None:
        self.sock = self._plain()
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)

    def _plain(self) -> socket.socket:
        """To the first address that takes it. Raises the OSError of the last."""
        *others, last = self._addresses
        for address in others:
            with suppress(OSError):
                return socket.create_connection((address, self.port), self._timeout_s)
        return socket.create_connection((last, self.port), self._timeout_s)

    def cut(self) -> None:
        """Wake whoever waits for the other end."""
        self.is_late = True
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


@contextmanager
def _deadline(connection: _Pinned, total_s: float) -> Iterator[None]:
    timer = threading.Timer(total_s, connection.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
