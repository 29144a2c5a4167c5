"""API keys in the store: put once, and revoked by a second record, so that every replica agrees on them.

A key is `sp_<id>_<secret>`: the id finds its record, and 256 random bits are what it proves. The store has only the
digest. A record is never deleted, because a service whose last key was revoked must not be one without keys.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from saddlepoint.errors import InvalidRequest, NotFound
from saddlepoint.schemas import keys
from saddlepoint.schemas.access import TENANT, KeyRecord, Scope
from saddlepoint.store import Store, find_record, get_record, put_record

_ID_BYTES = 8
_SECRET_BYTES = 32
_KEY = re.compile(r"sp_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")
_MAX_NAME = 100


def create_key(store: Store, tenant: str, scopes: Iterable[Scope], name: str = "") -> tuple[str, KeyRecord]:
    """A new key, which is shown this once, and what is kept of it. Raises InvalidRequest."""
    check_tenant(tenant)
    if len(name) > _MAX_NAME:
        raise InvalidRequest(f"The name of a key has at most {_MAX_NAME} characters, got {len(name)}.")
    key_id = secrets.token_hex(_ID_BYTES)
    key = f"sp_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    record = KeyRecord(
        id=key_id, tenant=tenant, scopes=tuple(scopes), name=name, sha256=digest_of(key), created_at=datetime.now(UTC)
    )
    put_record(store, keys.api_key(key_id), record)
    return key, record


def load_keys(store: Store) -> list[KeyRecord]:
    """Every key that was ever made, the oldest first."""
    records = (get_record(store, key, KeyRecord) for key in store.list(keys.API_KEYS))
    return sorted(records, key=lambda record: record.created_at)


def revoked_ids(store: Store) -> frozenset[str]:
    """The ids of the keys that open nothing any more."""
    return frozenset(key.removeprefix(keys.REVOKED_KEYS) for key in store.list(keys.REVOKED_KEYS))


def revoke_key(store: Store, key_id: str) -> KeyRecord:
    """Make a key open nothing, for good; a repetition changes nothing. Raises NotFound."""
    record = find_record(store, keys.api_key(key_id), KeyRecord)
    if record is None:
        raise NotFound(f"There is no API key {key_id[:64]}; `saddlepoint keys list` shows those there are.")
    store.put(keys.revoked_key(key_id), datetime.now(UTC).isoformat().encode())
    return record


def id_of(key: str) -> str | None:
    """The id in a key, None where it is no key of ours."""
    match = _KEY.fullmatch(key)
    return match[1] if match else None


def is_key_of(key: str, record: KeyRecord) -> bool:
    """Whether `key` is the one that `record` keeps; the time this takes says nothing of it."""
    return hmac.compare_digest(digest_of(key), record.sha256)


def digest_of(key: str) -> str:
    """The sha256 of a key, as it is kept."""
    return hashlib.sha256(key.encode()).hexdigest()


def check_tenant(tenant: str) -> None:
    """Raises InvalidRequest unless `tenant` can be one."""
    if not TENANT.fullmatch(tenant):
        raise InvalidRequest(f"A tenant is up to 64 letters, digits, - and _, got {tenant[:80]!r}.")
