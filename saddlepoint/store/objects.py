"""Artifacts in S3, Google Cloud Storage or Azure, by conditional puts."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import ObjectStore as Bucket

from saddlepoint.errors import ArtifactNotFound, StoreError
from saddlepoint.store.format import TRAILER_SIZE, check_key, check_prefix, trailer, verify


class ObjectStore:
    """A store in a bucket. Aborted uploads are the bucket's to expire: `sweep` has nothing to do."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

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
        """As `put`; the file is held in memory meanwhile, because a conditional put is one request."""
        try:
            return self.put(key, path.read_bytes())
        except OSError as error:
            raise StoreError(f"The store could not put {key}: its file is not readable.") from error
        finally:
            path.unlink(missing_ok=True)

    def get(self, key: str) -> bytes:
        check_key(key)
        with _translated("get", key):
            stored = obstore.get(self._bucket, key).bytes().to_bytes()
        return verify(key, stored[:-TRAILER_SIZE], stored[-TRAILER_SIZE:])

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
        return 0


@contextlib.contextmanager
def _translated(action: str, key: str) -> Iterator[None]:
    """Turn the client library's errors into the store's."""
    try:
        yield
    except FileNotFoundError as error:
        raise ArtifactNotFound(f"There is no artifact {key}.") from error
    except (BaseError, OSError) as error:
        raise StoreError(f"The store could not {action} {key}.") from error
