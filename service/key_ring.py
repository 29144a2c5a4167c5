"""The API keys that open this service: those in its settings, and those in the store as of a moment ago."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from saddlepoint.access import digest_of, id_of, is_key_of, revoked_ids
from saddlepoint.schemas import keys
from saddlepoint.schemas.access import SCOPES, KeyRecord, Scope
from saddlepoint.store import Store, get_record

FRESH_S = 2.0
"""For so long a revoked key may still open another replica."""
NEW_S = 0.5
"""After so long it is looked whether a key that is not known was made meanwhile."""
DEFAULT_OWNER = "default"


@dataclass(frozen=True)
class Caller:
    """Who is asking: a tenant, by which key, and what that may do."""

    tenant: str
    key_id: str
    scopes: frozenset[Scope]


ANYBODY = Caller(DEFAULT_OWNER, "open", frozenset(SCOPES))
"""Where there are no keys: one tenant, who may do everything."""


@dataclass(frozen=True)
class Stranger:
    """Who came with a key that opens nothing: whose it says it is, as far as there is such a key."""

    tenant: str | None
    key_id: str


class KeyRing:
    """Read from the store at most twice a second, however many ask: a guessed key costs it nothing.

    Where the store cannot be read nobody is let in, because a key may have been revoked.
    """

    def __init__(
        self, settings_keys: Mapping[str, str], store: Store, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fixed = {digest_of(key): owner for key, owner in settings_keys.items()}
        self._store, self._clock = store, clock
        self._lock = asyncio.Lock()
        self._records: dict[str, KeyRecord] = {}
        self._revoked: frozenset[str] = frozenset()
        self._read_at = float("-inf")

    async def find(self, key: str) -> Caller | None:
        """Whose key this is, None where it is nobody's. Raises StoreError."""
        owner = self._fixed.get(digest_of(key))
        if owner is not None:
            return Caller(owner, "environment", frozenset(SCOPES))
        key_id = id_of(key) or ""
        await self._refresh(FRESH_S if key_id in self._records else NEW_S)
        record = self._records.get(key_id)
        if record is None or record.id in self._revoked or not is_key_of(key, record):
            return None
        return Caller(record.tenant, record.id, frozenset(record.scopes))

    def stranger(self, key: str) -> Stranger:
        """Of a key that was not found: one of a known id is revoked, or its secret is wrong."""
        record = self._records.get(id_of(key) or "")
        return Stranger(None, "unknown") if record is None else Stranger(record.tenant, record.id)

    async def is_empty(self) -> bool:
        """Whether there never was a key. Raises StoreError."""
        if self.has_none:
            await self._refresh(FRESH_S)
        return self.has_none

    @property
    def has_none(self) -> bool:
        """The same as of the last reading."""
        return not self._fixed and not self._records

    async def _refresh(self, fresh_s: float) -> None:
        if self._age_s() < fresh_s:
            return
        async with self._lock:
            if self._age_s() >= fresh_s:
                await run_in_threadpool(self.read)

    def _age_s(self) -> float:
        return self._clock() - self._read_at

    def read(self) -> None:
        """Read what was added and revoked. May block, and raises StoreError."""
        read_at = self._clock()
        for key in self._store.list(keys.API_KEYS):
            key_id = key.removeprefix(keys.API_KEYS)
            if key_id not in self._records:
                self._records[key_id] = get_record(self._store, key, KeyRecord)
        self._revoked = revoked_ids(self._store)
        self._read_at = read_at
