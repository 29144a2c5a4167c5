"""How an artifact lies in a store: its bytes, then a trailer of 72 bytes with their sha256."""

import hashlib
import re
from typing import BinaryIO

from saddlepoint.errors import ArtifactCorrupt, ArtifactNotFound

_MARK = b"\nsha256:"
TRAILER_SIZE = len(_MARK) + 64
_CHUNK = 2**20
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


def trailer_of_file(file: BinaryIO) -> bytes:
    """The trailer of what `file` holds from its position on, read in pieces."""
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return _MARK + digest.hexdigest().encode()


def verify(key: str, data: bytes, tail: bytes) -> bytes:
    """`data` if `tail` is its trailer, else ArtifactCorrupt."""
    if tail != trailer(data):
        raise ArtifactCorrupt(f"{key} does not match its sha256; delete it, and what can be made again will be.")
    return data
