"""The sign of life: a file that is as old as the last turn."""

import logging
import os
from pathlib import Path

import pytest

from saddlepoint.pulse import beat


def test_a_beat_makes_the_file_and_then_makes_it_new(tmp_path: Path) -> None:
    file = tmp_path / "pulse"
    beat(file)
    os.utime(file, (0, 0))
    beat(file)
    assert file.stat().st_mtime > 0


def test_nothing_is_said_where_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    beat(None)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        beat(tmp_path / "absent" / "pulse")
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["no pulse"]
