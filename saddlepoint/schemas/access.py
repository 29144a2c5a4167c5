"""Who may do what: API keys as they are kept, and what was done with them."""

import re
from typing import Literal, get_args

from saddlepoint.errors import InvalidRequest
from saddlepoint.schemas.base import Schema, Timestamp

Scope = Literal["read", "submit", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""`read` sees, `submit` makes, cancels and deletes, `admin` reads the audit log and the secret of webhooks."""

TENANT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
"""The name of a tenant, which is a part of keys in the store."""


class KeyRecord(Schema):
    """An API key as it is stored: enough to recognise it, not enough to use it."""

    id: str
    tenant: str
    """Whose data it opens."""
    scopes: tuple[Scope, ...]
    name: str = ""
    sha256: str
    """Of the whole key, which is random and long: a slow hash would protect nothing more."""
    created_at: Timestamp


class AuditEvent(Schema):
    """Something that was done: by whom, to what, when, and with which answer."""

    id: str
    at: Timestamp
    tenant: str
    key_id: str
    """The key that was used; `environment` and `open` are keys in the settings, and a service without keys.

    With status 401 it is a key that opened nothing: the id of one that is revoked or has another secret, or `unknown`.
    """
    request_id: str
    method: str
    path: str
    status: int
    location: str | None = None
    """Of what was made."""
    address: str | None = None
    """Of who was refused."""
    unnoted: int = 0
    """Refusals of this tenant that a process counted, and did not note, since the one that it noted before."""


class AuditPage(Schema):
    """A page of events, newest first."""

    items: list[AuditEvent]
    next_cursor: str | None = None


def read_scopes(text: str) -> tuple[Scope, ...]:
    """Scopes as `read,submit`, in their own order. Raises InvalidRequest."""
    wanted = {part.strip() for part in text.split(",") if part.strip()}
    unknown = sorted(wanted.difference(SCOPES))
    if unknown or not wanted:
        raise InvalidRequest(f"Scopes are one or more of {', '.join(SCOPES)}, got {text[:80]!r}.")
    return tuple(scope for scope in SCOPES if scope in wanted)
