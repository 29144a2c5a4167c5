"""How an artifact lies in a store: its bytes, then a trailer of 72 bytes with their sha256."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from saddlepoint.errors import ArtifactCorrupt, ArtifactNotFound

_MARK = b"\nsha256:"
TRAILER_SIZE = len(_MARK) + 64
PIECE = 2**20
"""Of what is read or written without being held: as much is."""
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+=-]{0,199}")
_MAX_KEY = 800


def check_key(key: str) -> str:
    """`key`, or ArtifactNotFound where nothing can lie: a key may come from a URL."""
    if len(key) > _MAX_KEY or not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise ArtifactNotFound(
            "A key is names of letters, digits and ._@+=- that do not begin with a dot, joined by slashes; "
            f"got {key[:80]!r}."
        )
    return key


def check_prefix(prefix: str) -> str:
    """`prefix`, checked likewise; it may end anywhere in a key."""
    check_key(prefix.rstrip("/") or "all")
    return prefix


def trailer(data: bytes) -> bytes:
    """What is written behind `data`."""
    return _MARK + hashlib.sha256(data).hexdigest().encode()


def sealed(file: BinaryIO) -> Iterator[bytes]:
    """What `file` holds from its position on, in pieces, and its trailer last."""
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
        yield piece
    yield _MARK + digest.hexdigest().encode()


def verify(key: str, data: bytes, tail: bytes) -> bytes:
    """`data` if `tail` is its trailer, else ArtifactCorrupt."""
    if tail != trailer(data):
        raise _corrupt(key)
    return data


def verified(key: str, pieces: Iterable[bytes], tail: bytes) -> Iterator[bytes]:
    """`pieces`, the last of which is given only if `tail` is the trailer of all, else ArtifactCorrupt.

    Who gets damaged bytes so never takes them for an artifact, because they do not come to an end.
    """
    digest, held = hashlib.sha256(), b""
    for piece in pieces:
        if held:
            yield held
        digest.update(piece)
        held = piece
    if tail != _MARK + digest.hexdigest().encode():
        raise _corrupt(key)
    if held:
        yield held


def size_of(key: str, stored: int) -> int:
    """The size of an artifact of which `stored` bytes lie in the store."""
    if stored < TRAILER_SIZE:
        raise _corrupt(key)
    return stored - TRAILER_SIZE


def _corrupt(key: str) -> ArtifactCorrupt:
    return ArtifactCorrupt(f"{key} does not match its sha256; delete it, and what can be made again will be.")
