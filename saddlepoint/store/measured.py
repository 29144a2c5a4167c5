"""A store whose operations are observed: which they are, how long they take, and how they end."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from saddlepoint.errors import ArtifactNotFound
from saddlepoint.store.interface import Store, Stream

T = TypeVar("T")
Observe = Callable[[str, str, float], None]
"""Told an operation, how it ended (`done`, `absent` where nothing has the key, or `failed`) and its seconds."""


class MeasuredStore:
    """`store`, with every call told to `observe`; of streams and lists their beginning."""

    def __init__(self, store: Store, observe: Observe) -> None:
        self._store, self._observe = store, observe

    def put(self, key: str, data: bytes) -> bool:
        return self._measured("put", lambda: self._store.put(key, data))

    def put_file(self, key: str, path: Path) -> bool:
        return self._measured("put_file", lambda: self._store.put_file(key, path))

    def get(self, key: str) -> bytes:
        return self._measured("get", lambda: self._store.get(key))

    def stream(self, key: str) -> Stream:
        return self._measured("stream", lambda: self._store.stream(key))

    def exists(self, key: str) -> bool:
        return self._measured("exists", lambda: self._store.exists(key))

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
        return self._measured("list", lambda: self._store.list(prefix, start_after=start_after))

    def delete(self, key: str) -> None:
        self._measured("delete", lambda: self._store.delete(key))

    def sweep(self, older_than_s: float) -> int:
        return self._measured("sweep", lambda: self._store.sweep(older_than_s))

    def _measured(self, operation: str, call: Callable[[], T]) -> T:
        began, outcome = time.perf_counter(), "failed"
        try:
            result = call()
            outcome = "done"
            return result
        except ArtifactNotFound:
            outcome = "absent"
            raise
        finally:
            self._observe(operation, outcome, time.perf_counter() - began)
