"""Server-sent events, read line by line (the WHATWG format), with nothing known of the network."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ServerEvent:
    name: str
    data: str


class EventReader:
    """Assembles lines into events and hands them to `on_event`, which returns True when it has heard enough.

    `last_id` is what a new connection sends as Last-Event-ID to go on where this one broke.
    """

    def __init__(self, on_event: Callable[[ServerEvent], bool], last_id: str = "") -> None:
        self._on_event = on_event
        self._name = ""
        self._data: list[str] = []
        self.last_id = last_id

    def feed(self, line: str) -> bool:
        """Take one line without its end; True when the stream need not be read further."""
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "id" and "\0" not in value:
            self.last_id = value
        return False

    def _dispatch(self) -> bool:
        event = ServerEvent(self._name or "message", "\n".join(self._data))
        empty = not self._data
        self._name, self._data = "", []
        return False if empty else self._on_event(event)
