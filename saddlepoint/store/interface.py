"""What a store promises, whatever lies below it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Stream:
    """An artifact of `size` bytes, read as its pieces are asked for.

    The last piece comes only if all match their sha256; asking for one may raise ArtifactCorrupt and StoreError.
    """

    size: int
    pieces: Iterator[bytes]


class Store(Protocol):
    """Immutable artifacts by key.

    An artifact is there whole or not at all, the first put of a key wins, and every read is checked against the
    sha256 that was written with it. Keys are relative paths of plain names. Every method may raise StoreError, which
    a repetition may mend; a key that is no key raises ArtifactNotFound.
    """

    def put(self, key: str, data: bytes) -> bool:
        """Store `data` unless the key is taken; True when this call made it.

        False says only that the key is taken now: an object store may answer a repeated request so after the first
        one went through. Whoever must know who won reads the artifact back.
        """

    def put_file(self, key: str, path: Path) -> bool:
        """The same from a file, which is gone afterwards in every case."""

    def get(self, key: str) -> bytes:
        """The artifact. Raises ArtifactNotFound or ArtifactCorrupt."""

    def stream(self, key: str) -> Stream:
        """The same without holding it. Raises ArtifactNotFound or ArtifactCorrupt."""

    def exists(self, key: str) -> bool:
        """Whether the key is taken."""

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
        """The keys that begin with `prefix` and sort after `start_after`, sorted, read as they are asked for."""

    def delete(self, key: str) -> None:
        """Remove an artifact, for quarantine, markers and what a user deletes; absent is fine."""

    def sweep(self, older_than_s: float) -> int:
        """Remove what killed writers left behind, if older; how many pieces."""
