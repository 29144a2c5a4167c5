"""A policy file on its way to the service: what is sent, and how it is opened."""

import mmap
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from saddlepoint.errors import InvalidRequest

_DATA_SUFFIXES = (".data", "_data")
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class PolicyFile:
    """A file to upload, with the files that it keeps its weights in (ONNX external data)."""

    path: Path
    externals: tuple[Path, ...] = ()

    @property
    def filename(self) -> str:
        return f"{self.path.stem}.zip" if self.externals else self.path.name

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The bytes to send, from disk; nothing is held in memory."""
        if not self.externals:
            with self.path.open("rb") as stream:
                yield stream
            return
        with tempfile.TemporaryFile(prefix="saddlepoint-", suffix=".zip") as archive:
            _pack(archive, (self.path, *self.externals))
            archive.seek(0)
            yield archive


def find_policy(path: str | Path) -> PolicyFile:
    """The policy at `path`, with its external data if it is an ONNX model. Raises InvalidRequest."""
    path = Path(path).expanduser()
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InvalidRequest(f"A policy is a file; {str(path)!r} {what}.")
    if path.stat().st_size == 0:
        raise InvalidRequest(f"A policy is a file with content; {str(path)!r} is empty.")
    return PolicyFile(path, _externals(path) if path.suffix.lower() == ".onnx" else ())


def _externals(model: Path) -> tuple[Path, ...]:
    """The neighbours that look like external data and whose names stand in the model, which names them verbatim."""
    neighbours = sorted(other for other in model.parent.iterdir() if other.name.endswith(_DATA_SUFFIXES))
    with model.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return tuple(other for other in neighbours if other.is_file() and content.find(other.name.encode()) >= 0)


def _pack(archive: IO[bytes], members: tuple[Path, ...]) -> None:
    """A zip that depends on the content only, so that the same policy has the same hash; weights do not compress."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for member in members:
            entry = zipfile.ZipInfo(member.name, _EPOCH)
            entry.file_size = member.stat().st_size
            with member.open("rb") as source, packed.open(entry, "w") as target:
                while chunk := source.read(1 << 20):
                    target.write(chunk)
