"""What is shown while a job runs."""

import io

from clients.progress import ProgressLine
from tests.clients.fakes import evaluation


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
