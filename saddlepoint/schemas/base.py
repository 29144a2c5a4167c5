"""What every schema shares: frozen models and one canonical spelling, so that equal values hash alike."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

PROTOCOL_VERSION = 3
"""Bumped by hand whenever the same specification would no longer mean the same numbers."""


class Schema(BaseModel):
    """A value on the wire or in the store: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _to_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Timestamp = Annotated[datetime, AfterValidator(_to_utc)]


def canonical_json(value: Any) -> bytes:
    """`value` (plain JSON types) as bytes that depend on its meaning only.

    Keys are sorted and a whole float is written as an integer, so 4 and 4.0 are the same number.
    """
    return json.dumps(_canonical(value), sort_keys=True, separators=(",", ":")).encode()


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    return value


def digest(*parts: Any, length: int = 32) -> str:
    """A hexadecimal name of `length` characters for plain JSON values, by sha256."""
    return hashlib.sha256(canonical_json(list(parts))).hexdigest()[:length]
