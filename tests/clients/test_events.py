"""Server-sent events, line by line."""

from clients.events import EventReader, ServerEvent


def _read(*lines: str) -> tuple[list[ServerEvent], EventReader]:
    events: list[ServerEvent] = []

    def keep(event: ServerEvent) -> bool:
        events.append(event)
        return False

    reader = EventReader(keep)
    for line in lines:
        reader.feed(line)
    return events, reader


def test_an_event_ends_at_the_empty_line() -> None:
    events, reader = _read("event: progress", "data: {", "data:}", "id: 7", "")
    assert events == [ServerEvent("progress", "{\n}")]
    assert reader.last_id == "7"


def test_an_event_without_a_name_is_a_message() -> None:
    assert _read("data: hello", "")[0] == [ServerEvent("message", "hello")]


def test_comments_and_events_without_data_are_skipped() -> None:
    assert _read(": ping", "", "event: progress", "", "data: x", "")[0] == [ServerEvent("message", "x")]


def test_an_unfinished_event_is_not_dispatched() -> None:
    assert _read("event: progress", "data: half")[0] == []


def test_feeding_tells_when_enough_was_heard() -> None:
    reader = EventReader(lambda event: event.data == "stop")
    assert [reader.feed(line) for line in ("data: go", "", "data: stop", "")] == [False, False, False, True]
