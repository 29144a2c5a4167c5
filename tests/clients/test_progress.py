"""What is shown while a job runs."""

import io

import pytest

from clients.progress_line import ProgressLine
from clients.sparkline import sparkline
from saddlepoint.schemas.jobs import JobProgress, JobState
from tests.clients.fakes import NOW, cell, evaluation
from tests.clients.trainings import training

WIPE = "\r\x1b[K"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred columns without colours."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")


def _last(screen: _Terminal) -> str:
    return screen.getvalue().split(WIPE)[-1].rstrip()


def test_a_terminal_shows_one_line_that_is_redrawn() -> None:
    screen, clock = _Terminal(), _Clock()
    line = ProgressLine(screen, clock)
    for done, clock.now in ((0, 0.0), (1, 10.0), (5, 50.0)):
        line(evaluation("processing", done))
    line.close()
    assert screen.getvalue().count("\n") == 1
    assert _last(screen) == "processing [############............] 5/10 episodes, 0.1 episodes/s, 10 steps/s"


def test_the_time_left_is_guessed_once_enough_is_done() -> None:
    screen, clock = _Terminal(), _Clock()
    line = ProgressLine(screen, clock)
    for done, clock.now in ((1, 0.0), (20, 19.0), (21, 20.0)):
        line(evaluation("processing", done, planned=81))
    assert [shown.endswith("1:00 left") for shown in screen.getvalue().split(WIPE)[1:]] == [False, False, True]


def test_between_the_last_episode_and_the_end_the_line_says_what_is_left() -> None:
    screen = _Terminal()
    ProgressLine(screen, _Clock())(evaluation("processing", 10))
    assert _last(screen).endswith("10/10 episodes, the rest is the report")


def test_a_line_is_never_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    screen, clock = _Terminal(), _Clock()
    line = ProgressLine(screen, clock)
    for done, clock.now in ((1, 0.0), (5, 50.0)):
        line(evaluation("processing", done))
    assert _last(screen) == "processing [############............] 5/10 episo…"
    assert len(_last(screen)) == 49


def test_a_finished_cell_gets_a_line_that_stays_and_is_told_once() -> None:
    screen = _Terminal()
    line = ProgressLine(screen, _Clock())
    first, second = cell("none", mean=10.0), cell("ce", epsilon=4.0, mean=-2.0)
    for cells in ([], [first], [first], [first, second]):
        line(evaluation("processing", 5).model_copy(update={"cells": cells}))
    told = [text.rpartition(WIPE)[2].split() for text in screen.getvalue().split("\n")[:-1]]
    assert told == [
        ["none", "10.00", "[9.00,", "11.00]", "sample,", "2", "episodes"],
        ["ce@4", "-2.00", "[-3.00,", "-1.00]", "sample,", "2", "episodes"],
    ]


def test_cells_of_what_had_ended_before_are_left_to_its_report() -> None:
    screen = _Terminal()
    ProgressLine(screen, _Clock())(evaluation("succeeded", 10).model_copy(update={"cells": [cell("none")]}))
    assert "none" not in screen.getvalue()


def test_a_job_made_of_parts_counts_those() -> None:
    screen, clock = _Terminal(), _Clock()
    line = ProgressLine(screen, clock)
    for done, clock.now in ((0, 0.0), (1, 10.0), (4, 40.0)):
        line(JobState(id="1", status="processing", created_at=NOW, progress=JobProgress(done=done, planned=10)))
    assert _last(screen) == "processing [##########..............] 4/10 parts, 0.1 parts/s, 1:00 left"


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    screen, log = _Terminal(), io.StringIO()
    for stream in (screen, log):
        ProgressLine(stream, _Clock())(evaluation("processing", 5))
    assert "\x1b[36m[####" in screen.getvalue()
    assert "\x1b" not in log.getvalue()


def test_a_file_gets_a_line_now_and_then_and_at_every_change() -> None:
    log, clock = io.StringIO(), _Clock()
    line = ProgressLine(log, clock)
    for done, clock.now in ((0, 0.0), (1, 1.0), (2, 2.0), (3, 12.0)):
        line(evaluation("processing", done))
    line(evaluation("succeeded", 10))
    line.close()
    assert [text.split()[0] for text in log.getvalue().splitlines()] == ["processing", "processing", "succeeded"]


def test_a_training_shows_its_learning_curve_though_later_states_bring_the_newest_point_only() -> None:
    screen, clock = _Terminal(), _Clock()
    line = ProgressLine(screen, clock)
    whole = training("processing", (1.0, 2.0, 3.0)).progress
    for points in (whole.curve[:2], whole.curve[2:]):
        progress = whole.model_copy(update={"curve": points})
        line(training("processing").model_copy(update={"progress": progress}))
    assert screen.getvalue().endswith("30/100 steps, return 3.0 ▁▅█")


def test_a_training_without_a_finished_game_shows_no_return() -> None:
    screen = _Terminal()
    ProgressLine(screen, _Clock())(training("starting"))
    assert "return" not in screen.getvalue()


@pytest.mark.parametrize(
    ("values", "width", "expected"),
    [
        ([], 4, ""),
        ([5.0], 4, "▁"),
        ([2.0, 2.0], 4, "▁▁"),
        ([0.0, 7.0], 4, "▁█"),
        ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
        ([0, 0, 7, 7], 2, "▁█"),
        ([0, 0, 0, 7, 7], 2, "▁█"),
    ],
)
def test_a_curve_is_a_line_of_bars(values: list[float], width: int, expected: str) -> None:
    assert sparkline(values, width) == expected
