"""Artifacts in a local folder.

Put-once is ours because none that exists does all of it: write a temporary file, fsync it, link it to its name (the
link fails if the name is taken, so there is one winner), fsync the folder. A reader sees the whole file or none, also
after a loss of power.
"""

import contextlib
import errno
import os
import shutil
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from saddlepoint.errors import ArtifactNotFound, StoreError
from saddlepoint.store.format import (
    PIECE,
    TRAILER_SIZE,
    check_key,
    check_prefix,
    sealed,
    size_of,
    trailer,
    verified,
    verify,
)
from saddlepoint.store.interface import Stream

_STAGING = ".staging"
_ATTEMPTS = 20
_READABLE = 0o644


class LocalStore:
    """A store in the folder `root`, shared by any number of threads and processes on one machine."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._staging = self._root / _STAGING
        with _translated("open the store", str(root)):
            self._staging.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, data: bytes) -> bool:
        target = self._path(key)
        with _translated("put", key):
            if target.exists():
                return _taken(target)
            with self._temporary() as temporary:
                _write(temporary, data)
                return self._publish(temporary, target)

    def put_file(self, key: str, path: Path) -> bool:
        target = self._path(key)
        with _translated("put", key), _consumed(path):
            if target.exists():
                return _taken(target)
            with self._temporary() as temporary:
                _move(path, temporary)
                _seal(temporary)
                return self._publish(temporary, target)

    def get(self, key: str) -> bytes:
        with _translated("get", key), self._path(key).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return verify(key, file.read(max(0, size - TRAILER_SIZE)), file.read())

    def stream(self, key: str) -> Stream:
        with _translated("get", key):
            file = self._path(key).open("rb")
        with contextlib.ExitStack() as on_error, _translated("get", key):
            on_error.callback(file.close)
            size = size_of(key, os.fstat(file.fileno()).st_size)
            file.seek(size)
            tail = file.read()
            file.seek(0)
            on_error.pop_all()
        return Stream(size, verified(key, _pieces(key, file, size), tail))

    def exists(self, key: str) -> bool:
        path = self._path(key)
        with _translated("look for", key):
            return path.is_file()

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
        folder, slash, _ = check_prefix(prefix).rpartition("/")
        for key in self._walk(folder + slash, start_after):
            if key.startswith(prefix):
                yield key
            elif key > prefix:
                return

    def delete(self, key: str) -> None:
        path = self._path(key)
        with _translated("delete", key):
            path.unlink(missing_ok=True)
            self._prune(path.parent)

    def sweep(self, older_than_s: float) -> int:
        oldest = time.time() - older_than_s
        swept = 0
        with _translated("sweep", _STAGING):
            for path in self._staging.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < oldest:
                        path.unlink()
                        swept += 1
        return swept

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    @contextlib.contextmanager
    def _temporary(self) -> Iterator[Path]:
        path = self._staging / uuid4().hex
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _publish(self, temporary: Path, target: Path) -> bool:
        """Give a complete, synced file its name; False if the name is taken."""
        for _ in range(_ATTEMPTS):
            try:
                _make_folder(target.parent)
                os.link(temporary, target)
            except FileExistsError:
                return _taken(target)
            except FileNotFoundError:  # somebody deleted the last artifact of the folder, and the folder with it
                continue
            _sync_folder(target.parent)
            return True
        raise OSError(errno.EAGAIN, "the folder kept vanishing")

    def _walk(self, folder: str, start_after: str) -> Iterator[str]:
        """Keys below `folder` ("" or with a slash at its end), sorted as strings."""
        for name in _sorted_names(self._root / folder):
            key = folder + name
            if not name.endswith("/"):
                if key > start_after:
                    yield key
            elif key > start_after or start_after.startswith(key):
                yield from self._walk(key, start_after)

    def _prune(self, folder: Path) -> None:
        """Remove folders that a deletion left empty."""
        while folder != self._root:
            try:
                folder.rmdir()
            except OSError:  # not empty, or gone
                return
            folder = folder.parent


def _sorted_names(folder: Path) -> list[str]:
    """Names in a folder, those of folders with a slash, which decides their place among the keys."""
    try:
        with os.scandir(folder) as entries:
            names = [f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(f"The store could not list {folder.name}: {os.strerror(error.errno or 0)}.") from error
    return sorted(name for name in names if not name.startswith("."))


def _pieces(key: str, file: BinaryIO, size: int) -> Iterator[bytes]:
    """The first `size` bytes of `file`, which is closed behind them."""
    with file, _translated("get", key):
        while size > 0 and (piece := file.read(min(size, PIECE))):
            size -= len(piece)
            yield piece


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.write(trailer(data))
        file.flush()
        os.fsync(file.fileno())


def _move(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copyfile(source, target)


def _seal(path: Path) -> None:
    """Append the trailer of what the file holds, and sync it."""
    with path.open("r+b") as file:
        os.fchmod(file.fileno(), _READABLE)
        file.write(deque(sealed(file), maxlen=1).pop())
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _consumed(path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it so that they last: the name of each is synced too."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    # Not exist_ok, which fails if the folder vanishes again before it looks.
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
    _sync_folder(folder.parent)


def _taken(target: Path) -> bool:
    """False; the winner may not have synced the name yet, and the loser goes on as if it lasted."""
    _sync_folder(target.parent)
    return False


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder last. One that vanished meanwhile has none."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _translated(action: str, key: str) -> Iterator[None]:
    """Turn the file system's errors into the store's."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise ArtifactNotFound(f"There is no artifact {key}.") from error
    except OSError as error:
        raise StoreError(f"The store could not {action} {key}: {os.strerror(error.errno or 0)}.") from error
