"""What a process is told from outside: read once at the entry point, validated, frozen, passed down."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from saddlepoint.errors import InvalidSpec
from saddlepoint.logs import LogFormat
from saddlepoint.schemas.access import TENANT

PREFIX = "SADDLEPOINT_"
_RATE = r"^[1-9]\d{0,8}/(second|minute|hour|day)$"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(BaseModel):
    """Every setting; each is read from the environment variable of its name behind `SADDLEPOINT_`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store_url: str = "data/store"
    """A folder, or s3://, gs:// or az:// of an object store."""
    redis_url: str = "redis://127.0.0.1:6379/0"
    """redis://, rediss:// or unix://."""
    spool_dir: Path | None = None
    """Where uploads are written while they arrive; a folder `spool` beside a local store, else the temporary one."""
    pulse_file: Path | None = None
    """Touched by workers, trainers and the reconciler at every turn, for health checks."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    api_keys: dict[str, str] = Field(default_factory=dict)
    """API key to owner, written `owner:key,owner:key`; each may do everything of its owner's.

    Beside those that `saddlepoint keys` keeps in the store, as digests and with scopes.
    """
    trust_network: bool = False
    """Allows a bind beyond loopback without keys: for a network that is closed by other means."""
    max_upload_bytes: int = Field(default=512 * 2**20, gt=0)
    read_rate: str = Field(default="120000/minute", pattern=_RATE)
    """How often a key may ask for what there is, in each process."""
    submit_rate: str = Field(default="600/minute", pattern=_RATE)
    """How often a key may make, cancel or delete something, in all processes together."""
    max_concurrent: int = Field(default=256, gt=0)
    """Requests of one key under way at once, in each process; streams of events are among them."""
    max_running: int | None = Field(default=None, ge=0)
    """Evaluations of a tenant that have not ended; none: no limit, here and below."""
    episodes_per_day: int | None = Field(default=None, ge=0)
    """That a tenant may ask for in a day (UTC)."""
    stored_bytes: int | None = Field(default=None, ge=0)
    """Of the policies that a tenant keeps, as they were uploaded."""
    verdict_wait_s: float = Field(default=20.0, ge=0)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    trainer_threads: int = Field(default=1, ge=1)
    """Of the network that a trainer trains; another number changes the last bits of what becomes of it."""
    reconcile_interval_s: float = Field(default=10.0, gt=0)
    log_level: str = "info"
    log_format: LogFormat = "text"
    """Lines for people, or a JSON object a line."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings of this process. Raises ValidationError or InvalidSpec."""
        values: dict[str, object] = {}
        for name in cls.model_fields:
            value = environment.get(f"{PREFIX}{name.upper()}")
            if value:
                values[name] = _parse_keys(value) if name == "api_keys" else value
        return cls.model_validate(values)

    @property
    def default_precision(self) -> Literal["fp32", "bf16"]:
        """bf16 where this machine computes in it, unless told otherwise."""
        if self.precision != "auto":
            return self.precision
        return "bf16" if _has_bf16() else "fp32"


def _parse_keys(text: str) -> dict[str, str]:
    pairs = [pair.strip().split(":", 1) for pair in text.split(",") if pair.strip()]
    if any(len(pair) != 2 or not pair[1] or not TENANT.fullmatch(pair[0]) for pair in pairs):
        raise InvalidSpec(
            f"{PREFIX}API_KEYS is written owner:key,owner:key; an owner is up to 64 letters, digits, - and _."
        )
    return {key: owner for owner, key in pairs}


def _has_bf16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
