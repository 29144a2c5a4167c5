"""What happened, in order: one JSON object a line, written at once, so that a run that dies leaves its history too."""

import json
import threading
import time
from pathlib import Path
from typing import Any

Event = dict[str, Any]


class History:
    """Events with the seconds since the begin, from any thread, in memory and in a file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.events: list[Event] = []
        self._file = path.open("w", encoding="utf-8")
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def add(self, kind: str, **fields: Any) -> None:
        with self._lock:
            event = {"at_s": round(time.monotonic() - self._began, 3), "kind": kind, **fields}
            self.events.append(event)
            self._file.write(json.dumps(event) + "\n")
            self._file.flush()

    def close(self) -> None:
        self._file.close()


def of_kind(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["kind"] == kind]
