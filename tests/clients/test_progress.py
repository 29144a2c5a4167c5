"""What is shown while a job runs."""

import io

import pytest

from clients.progress import ProgressLine
from clients.sparkline import sparkline
from tests.clients.fakes import evaluation
from tests.clients.trainings import training


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_terminal_shows_one_line_that_is_redrawn() -> None:
    screen, clock = _Terminal(), _Clock()
    line = ProgressLine(screen, clock)
    for done, clock.now in ((0, 0.0), (1, 10.0), (5, 50.0)):
        line(evaluation("processing", done))
    line.close()
    assert screen.getvalue().count("\n") == 1
    last = screen.getvalue().split("\r")[-1].rstrip()
    assert last == "processing [############............] 5/10 episodes, 500 steps (10/s)"


def test_the_time_left_is_guessed_once_enough_is_done() -> None:
    screen, clock = _Terminal(), _Clock()
    line = ProgressLine(screen, clock)
    for done, clock.now in ((1, 0.0), (20, 19.0), (21, 20.0)):
        line(evaluation("processing", done, planned=81))
    guesses = [shown.partition("left")[0].rpartition(",")[2].strip() for shown in screen.getvalue().split("\r")[1:]]
    assert [("1:00" in guess) for guess in guesses] == [False, False, True]


def test_a_shorter_line_wipes_the_longer_one_before_it() -> None:
    screen, clock = _Terminal(), _Clock()
    line = ProgressLine(screen, clock)
    for status, done in (("processing", 5), ("queued", 0)):
        line(evaluation(status, done))  # type: ignore[arg-type]
    first, second = screen.getvalue().split("\r")[1:]
    assert len(first) == len(second)


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
