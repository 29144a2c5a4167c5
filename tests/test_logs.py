"""Lines of the log: one an event, whatever is in it, and each says what it is about."""

import json
import logging
import sys

import pytest

from saddlepoint.logs import JsonLines, TextLines, working_on

FORGED = "x\n2026-01-01 service - all is well\x1b[2J"


def record(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("worker.shards", logging.WARNING, __file__, 1, message, arguments, None)


def test_an_object_a_line_says_when_who_and_about_what() -> None:
    with working_on(task="play_shard", arguments="e1/0"):
        line = json.loads(JsonLines("evaluate").format(record("shard %d is late", 3)))
    time = line.pop("time")
    assert time.endswith("+00:00")
    assert line == {
        "level": "warning",
        "role": "evaluate",
        "logger": "worker.shards",
        "message": "shard 3 is late",
        "task": "play_shard",
        "arguments": "e1/0",
    }


@pytest.mark.parametrize("lines", [TextLines(), JsonLines("service")])
def test_nothing_that_is_logged_begins_a_line_of_its_own(lines: logging.Formatter) -> None:
    with working_on(kind="upload", id=FORGED):
        text = lines.format(record("upload %s", FORGED))
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text


def test_what_was_raised_is_told() -> None:
    try:
        raise ValueError("nought")
    except ValueError:
        raised = record("failed")
        raised.exc_info = sys.exc_info()
    assert "ValueError: nought" in json.loads(JsonLines("train").format(raised))["exception"]
    assert TextLines().format(raised).endswith("ValueError: nought")


def test_work_within_work_is_named_beside_it() -> None:
    def named() -> list[str | None]:
        line = json.loads(JsonLines("train").format(record("on")))
        return [line.get(field) for field in ("task", "kind", "id")]

    with working_on(task="run_training", kind="training", id="t"):
        with working_on(kind="evaluation", id="e"):
            assert named() == ["run_training", "evaluation", "e"]
        assert named() == ["run_training", "training", "t"]


def test_work_is_forgotten_when_it_ends() -> None:
    with working_on(task="a"):
        pass
    assert "task" not in json.loads(JsonLines("evaluate").format(record("idle")))
