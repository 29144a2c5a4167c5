"""The store: whether it takes something, once only, gives it back, and has room."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from uuid import uuid4

from saddlepoint.errors import InvalidSpec, StoreError
from saddlepoint.schemas import keys
from saddlepoint.schemas.checkups import Finding, judged
from saddlepoint.store import Store, open_store
from worker.doctor.queue import clock

_GIB = 2**30
_LEAST_BYTES, _SCARCE_BYTES = _GIB, 5 * _GIB
_SLOW_S = 0.5
_PROBE = bytes(4096)
_STAGING = ".staging"
"""Of a local store: files of no key, swept when a writer leaves one behind."""


def look_at_store(url: str) -> Iterator[Finding]:
    """A write, a second one that must not win, a read; of a folder also its disk and its clock."""
    try:
        store = open_store(url)
    except InvalidSpec as error:
        yield Finding(check="store", verdict="fail", found="cannot be opened", remedy=error.message)
        return
    yield taken_once(store)
    if "://" not in url and (folder := Path(url)).is_dir():
        yield disk(shutil.disk_usage(folder).free)
        yield clock("store clock", _skew_s(folder))


def taken_once(store: Store) -> Finding:
    """Puts flush to the disk before they return, so their time is the disk's."""
    key = keys.doctor_probe(uuid4().hex)
    began = time.monotonic()
    try:
        first = store.put(key, _PROBE)
        took_s = time.monotonic() - began
        second = store.put(key, b"another")
        same = store.get(key) == _PROBE
        store.delete(key)
    except StoreError as error:
        found, fails, took_s = f"does not work: {error.message}", True, 0.0
    else:
        fails = not (first and same) or second
        found = "overwrites what is there" if fails else f"takes, once only; {1000 * took_s:.0f} ms a write"
    return judged(
        "store",
        found,
        fails=fails,
        warns=took_s > _SLOW_S,
        remedy="See to its disk, rights, network and credentials; it must be able to put only where nothing is yet.",
    )


def disk(free_bytes: int) -> Finding:
    return judged(
        "disk",
        f"{free_bytes / _GIB:.1f} GiB free",
        fails=free_bytes < _LEAST_BYTES,
        warns=free_bytes < _SCARCE_BYTES,
        remedy="Make room where the store is, or delete policies; a full disk stops everything, and loses nothing.",
    )


def _skew_s(folder: Path) -> float:
    """Of the machine that keeps a shared folder: it dates the files."""
    before = time.time()
    with NamedTemporaryFile(dir=folder / _STAGING) as probe:
        return os.fstat(probe.fileno()).st_mtime - before
