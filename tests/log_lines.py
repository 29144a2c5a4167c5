"""The log of a test as the process would have written it, an object a line."""

import json
import logging
from typing import Any

import pytest

from saddlepoint.logs import JsonLines


def write_json(caplog: pytest.LogCaptureFixture) -> None:
    """Write from now on, what is worked on included."""
    caplog.handler.setFormatter(JsonLines("test"))
    caplog.set_level(logging.INFO)


def lines_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(line) for line in caplog.text.splitlines()]
