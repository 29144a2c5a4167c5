"""Uploads on their way in: private files, hashed and counted as they grow, written off the event loop."""

import contextlib
import hashlib
import os
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from starlette.concurrency import run_in_threadpool

from saddlepoint.errors import BodyTooLarge, Unavailable
from saddlepoint.settings import Settings

FLUSH_BYTES = 256 * 2**10
"""Held in memory by one upload before it is written."""
STALE_S = 3600.0
"""No upload takes this long: what is older was left by a process that died."""
_PREFIX = "upload-"


def spool_folder(settings: Settings) -> Path:
    """Where uploads are written while they arrive: beside a local store, so that keeping one is a link."""
    if settings.spool_dir is not None:
        return settings.spool_dir
    url = settings.store_url
    if "://" not in url or url.startswith("file://"):
        return Path(url.removeprefix("file://")).parent / "spool"
    return Path(tempfile.gettempdir()) / "saddlepoint-spool"


def sweep(folder: Path) -> None:
    """Make the folder, and remove what a process that died left in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > STALE_S:
                path.unlink()


class SpoolFile:
    """A growing file of at most `limit` bytes; leaving its context removes it unless somebody has taken it."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._buffer = bytearray()
        self._hash = hashlib.sha256()
        self._descriptor = -1
        self.path = folder
        self.size = 0

    async def __aenter__(self) -> Self:
        self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    @property
    def sha256(self) -> str:
        """Of what was written and flushed."""
        return self._hash.hexdigest()

    async def write(self, data: bytes | bytearray) -> None:
        """Raises BodyTooLarge past the limit, Unavailable where the disk is full."""
        self.size += len(data)
        if self.size > self._limit:
            raise BodyTooLarge(f"A policy file may hold at most {self._limit:,} bytes, got more; send a smaller one.")
        self._buffer += data
        if len(self._buffer) >= FLUSH_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Write what is held."""
        if self._buffer:
            chunk, self._buffer = self._buffer, bytearray()
            await run_in_threadpool(self._append, chunk)

    def _open(self) -> None:
        """Not in a thread: a task canceled while it waits for one would leave the file behind."""
        try:
            self._descriptor, name = tempfile.mkstemp(prefix=_PREFIX, dir=self._folder)
        except OSError:
            raise Unavailable(_FULL) from None
        self.path = Path(name)

    def _append(self, chunk: bytearray) -> None:
        self._hash.update(chunk)
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            raise Unavailable(_FULL) from None

    def _remove(self) -> None:
        """Not in a thread: a canceled task could not wait for one, and both calls are quick."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self.path.unlink(missing_ok=True)


_FULL = "The upload could not be written to this machine's spool folder; free some space there, then send it again."
