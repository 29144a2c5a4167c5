"""Artifacts in S3, Google Cloud Storage or Azure, by conditional puts."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import BoundedSemaphore
from uuid import uuid4

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import ObjectStore as Bucket

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

_STAGING = ".staging/"
_PART = 5 * 2**20
"""The least that S3 takes as a part of an upload."""
_FILES_AT_ONCE = 6
"""Each holds about three parts."""
_NO_BUCKET = "NoSuchBucket"
"""A 404 too; work that meets it must wait for the bucket, not end because something is missing."""


class ObjectStore:
    """A store in a bucket. Parts of aborted uploads are the bucket's to expire."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._files = BoundedSemaphore(_FILES_AT_ONCE)

    def put(self, key: str, data: bytes) -> bool:
        check_key(key)
        with _translated("put", key):
            try:
                # One request: multipart uploads know no condition.
                obstore.put(self._bucket, key, data + trailer(data), mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def put_file(self, key: str, path: Path) -> bool:
        """As `put`, without holding more than a part of the file."""
        try:
            with self._files, _translated("put", key):
                return self._put_parts(key, path) if path.stat().st_size > _PART else self.put(key, path.read_bytes())
        finally:
            path.unlink(missing_ok=True)

    def _put_parts(self, key: str, path: Path) -> bool:
        """An upload in parts knows no condition, so it goes to a name of its own; the copy from there does."""
        if self.exists(key):
            return False
        staged = f"{_STAGING}{uuid4().hex}"
        with path.open("rb") as file:
            obstore.put(self._bucket, staged, sealed(file), use_multipart=True, chunk_size=_PART, max_concurrency=1)
        return self._publish(staged, key)

    def _publish(self, staged: str, key: str) -> bool:
        try:
            obstore.copy(self._bucket, staged, key, overwrite=False)
        except AlreadyExistsError:
            return False
        finally:
            with contextlib.suppress(BaseError, OSError):  # the sweep takes it then
                obstore.delete(self._bucket, staged)
        return True

    def get(self, key: str) -> bytes:
        check_key(key)
        with _translated("get", key):
            stored = obstore.get(self._bucket, key).bytes().to_bytes()
        return verify(key, stored[:-TRAILER_SIZE], stored[-TRAILER_SIZE:])

    def stream(self, key: str) -> Stream:
        """In requests of their own: one would have to be read within its deadline, by a slow reader too."""
        check_key(key)
        with _translated("get", key):
            stored = obstore.head(self._bucket, key)["size"]
            size = size_of(key, stored)
            tail = self._range(key, size, stored)
        return Stream(size, verified(key, self._pieces(key, size), tail))

    def _pieces(self, key: str, size: int) -> Iterator[bytes]:
        for start in range(0, size, PIECE):
            with _translated("get", key):
                piece = self._range(key, start, min(start + PIECE, size))
            yield piece

    def _range(self, key: str, start: int, end: int) -> bytes:
        return obstore.get_range(self._bucket, key, start=start, end=end).to_bytes()

    def exists(self, key: str) -> bool:
        check_key(key)
        try:
            with _translated("look for", key):
                obstore.head(self._bucket, key)
        except ArtifactNotFound:
            return False
        return True

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
        folder, slash, _ = check_prefix(prefix).rpartition("/")
        with _translated("list", prefix):
            # Object stores match prefixes by whole names only.
            pages = obstore.list(self._bucket, folder + slash, offset=start_after or None)
            for key in (entry["path"] for page in pages for entry in page):
                if key.startswith(_STAGING):
                    continue
                if key.startswith(prefix):
                    if key > start_after:  # the client reads the offset "a/" as "a"
                        yield key
                elif key > prefix:
                    return

    def delete(self, key: str) -> None:
        check_key(key)
        with contextlib.suppress(ArtifactNotFound), _translated("delete", key):
            obstore.delete(self._bucket, key)

    def sweep(self, older_than_s: float) -> int:
        oldest = datetime.now(UTC) - timedelta(seconds=older_than_s)
        with _translated("sweep", _STAGING):
            staged = [entry for page in obstore.list(self._bucket, _STAGING) for entry in page]
            old = [entry["path"] for entry in staged if entry["last_modified"] < oldest]
            for path in old:
                obstore.delete(self._bucket, path)
        return len(old)


@contextlib.contextmanager
def _translated(action: str, key: str) -> Iterator[None]:
    """Turn the client library's errors into the store's."""
    try:
        yield
    except FileNotFoundError as error:
        if _NO_BUCKET in str(error):
            raise StoreError(f"The store could not {action} {key}: there is no such bucket.") from error
        raise ArtifactNotFound(f"There is no artifact {key}.") from error
    except (BaseError, OSError) as error:
        raise StoreError(f"The store could not {action} {key}.") from error
