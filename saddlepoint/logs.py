"""The log of a process on its standard error: lines for people, or a JSON object a line for machines."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

LogFormat = Literal["text", "json"]

_WORK: ContextVar[dict[str, str] | None] = ContextVar("work", default=None)
_PLAIN = str.maketrans({code: f"\\x{code:02x}" for code in (*range(32), 127)} | {10: "\\n", 13: "\\r", 9: "\t"})
"""Others choose parts of messages; none of them begins a line of its own."""


@contextmanager
def working_on(**work: str) -> Iterator[None]:
    """Every line within names what is worked on: the `kind` and `id` of a job, as webhooks have them, or a `task`.

    What is worked on within that is named beside it, or in its place.
    """
    token = _WORK.set({**(_WORK.get() or {}), **work})
    try:
        yield
    finally:
        _WORK.reset(token)


def log_to_stderr(role: str, level: str, log_format: LogFormat, *filters: logging.Filter) -> None:
    """Write the log of this process, whose part in the stack is `role`; `filters` may add a `request_id`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(role) if log_format == "json" else TextLines())
    for each in filters:
        handler.addFilter(each)
    logging.basicConfig(level=level.upper(), handlers=[handler])


class TextLines(logging.Formatter):
    """Time, logger, what the line is about, message."""

    def format(self, record: logging.LogRecord) -> str:
        about = " ".join(_about(record).values()) or "-"
        line = f"{self.formatTime(record)} {record.name} {about} {record.getMessage()}".translate(_PLAIN)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """One object a line: `time` (UTC), `level`, `role`, `logger`, `message`, and what it is about."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "message": record.getMessage(),
            **_about(record),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def _about(record: logging.LogRecord) -> dict[str, str]:
    request_id = getattr(record, "request_id", None)
    return {**({"request_id": request_id} if request_id else {}), **(_WORK.get() or {})}
