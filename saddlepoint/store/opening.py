"""From a setting to a store."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from saddlepoint.errors import InvalidSpec
from saddlepoint.store.interface import Store
from saddlepoint.store.local import LocalStore

_BUCKETS = ("s3", "gs", "az")
_GIVEN_UP = timedelta(seconds=20)
"""No request is repeated after this: three minutes, as the client has it, would keep who waits for an answer."""


def open_store(url: str) -> Store:
    """The store at `url`: a path, file://, or s3://, gs://, az:// with credentials from the environment."""
    scheme = urlsplit(url).scheme if "://" in url else ""
    if scheme in ("", "file"):
        return LocalStore(Path(unquote(urlsplit(url).path) if scheme else url))
    if scheme in _BUCKETS:
        return _open_bucket(url)
    raise InvalidSpec(f"A store is a path or file://, {', '.join(f'{name}://' for name in _BUCKETS)}; got {scheme}://.")


def _open_bucket(url: str) -> Store:
    # Only those who use a bucket need its client.
    from obstore.store import from_url

    from saddlepoint.store.objects import ObjectStore

    # S3 copies only where nothing is yet if it is told how; other stores of its kind may need another way.
    is_s3 = url.startswith("s3://") and "AWS_COPY_IF_NOT_EXISTS" not in os.environ
    options: dict[str, Any] = {"copy_if_not_exists": "multipart"} if is_s3 else {}
    return ObjectStore(from_url(url, retry_config={"retry_timeout": _GIVEN_UP}, **options))
