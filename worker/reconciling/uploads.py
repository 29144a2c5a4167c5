"""Bringing uploads to their verdict, and sweeping what is left of them."""

import time
from collections.abc import Callable

from saddlepoint.queue import VALIDATE
from saddlepoint.schemas import keys
from worker.context import Context

_KEEP_S = 3600.0
_TIMEOUT_S = 120.0


class Uploads:
    """Remembers since when it sees an upload; a restart only keeps uploads for longer."""

    def __init__(self, context: Context, clock: Callable[[], float] = time.monotonic) -> None:
        self._context, self._clock = context, clock
        self._seen: dict[str, float] = {}

    def bring_on(self) -> None:
        """Queue uploads that lost their job, delete those that are an hour old. Raises StoreError and Unavailable."""
        now = self._clock()
        artifacts = set(self._context.store.list(keys.UPLOADS))
        upload_ids = {key.removeprefix(keys.UPLOADS).partition("/")[0] for key in artifacts}
        self._seen = {upload_id: self._seen.get(upload_id, now) for upload_id in upload_ids}
        for upload_id in sorted(upload_ids):
            if now - self._seen[upload_id] > _KEEP_S:
                self._sweep(upload_id)
            elif keys.upload_request(upload_id) in artifacts and keys.upload_verdict(upload_id) not in artifacts:
                self._context.queue.enqueue(VALIDATE, upload_id, timeout_s=_TIMEOUT_S)

    def _sweep(self, upload_id: str) -> None:
        for key in (keys.upload_file, keys.upload_request, keys.upload_verdict):
            self._context.store.delete(key(upload_id))
