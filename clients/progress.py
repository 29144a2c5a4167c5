"""How far a job has come, on stderr: one line that is redrawn on a terminal, a new line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TextIO

from clients.sparkline import sparkline
from saddlepoint.schemas.evaluations import Evaluation
from saddlepoint.schemas.trainings import Training, TrainingProgress

_WIDTH = 24
_CURVE_WIDTH = 20
_QUIET_S = 10.0
"""Between two lines where nothing can be redrawn."""
_ENOUGH = 20
"""Episodes that must have ended before the rest is guessed: those of a batch end together, or not yet."""


Progress = bool | Callable[[Any], None]
"""True draws on stderr, False is silent, a function is called with every state of the job."""


def tell(progress: Progress, text: str) -> None:
    """Say what comes next, where progress is drawn."""
    if progress is True:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


@contextmanager
def watching(progress: Progress) -> Iterator[Callable[[Any], None]]:
    """The function that takes the states of a job."""
    if callable(progress):
        yield progress
    elif not progress:
        yield lambda job: None
    else:
        line = ProgressLine()
        try:
            yield line
        finally:
            line.close()


class ProgressLine:
    """Draws the states of one job; call `close` when no more will come."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._redraws = self._stream.isatty()
        self._first: tuple[float, _Amounts] | None = None
        self._written_at = -_QUIET_S
        self._status = ""
        self._width = 0
        self._curve: dict[int, float] = {}

    def __call__(self, job: Evaluation | Training) -> None:
        now, amounts = self._clock(), _amounts(job)
        if self._first is None and amounts.steps:
            self._first = (now, amounts)
        line = f"{job.status:<10} {_bar(amounts)} {amounts}{self._pace(now, amounts)}{self._learning(job)}"
        if self._redraws:
            self._stream.write("\r" + line.ljust(self._width))
            self._width = len(line)
        elif job.status != self._status or now - self._written_at >= _QUIET_S:
            self._stream.write(line + "\n")
            self._written_at = now
        self._status = job.status
        self._stream.flush()

    def close(self) -> None:
        """End the line that was being redrawn."""
        if self._redraws and self._width:
            self._stream.write("\n")
            self._stream.flush()
        self._width = 0

    def _learning(self, job: Evaluation | Training) -> str:
        """Of a training the return of the acting policy: now, and since its first games."""
        if isinstance(job, Training):  # later states bring the newest point only
            points = ((point.update, point.mean_return) for point in job.progress.curve)
            self._curve |= {update: value for update, value in points if value is not None}
        if not self._curve:
            return ""
        values = [self._curve[update] for update in sorted(self._curve)]
        return f", return {values[-1]:,.1f} {sparkline(values, _CURVE_WIDTH)}"

    def _pace(self, now: float, amounts: "_Amounts") -> str:
        """Steps a second since the first ones were seen, and the time left once enough is done to tell."""
        if self._first is None or now <= self._first[0]:
            return ""
        elapsed_s, first = now - self._first[0], self._first[1]
        pace = f" ({(amounts.steps - first.steps) / elapsed_s:,.0f}/s)"
        done = amounts.done - first.done
        if done < _ENOUGH or amounts.done >= amounts.planned:
            return pace
        minutes, seconds = divmod(round((amounts.planned - amounts.done) * elapsed_s / done), 60)
        return f"{pace}, {minutes}:{seconds:02d} left"


class _Amounts(NamedTuple):
    """How much of a job is done, in the unit of its plan, and in steps."""

    done: int
    planned: int
    steps: int
    unit: str

    def __str__(self) -> str:
        counted = f"{self.done:,}/{self.planned:,} {self.unit}"
        return counted if self.unit == "steps" or not self.steps else f"{counted}, {self.steps:,} steps"


def _amounts(job: Evaluation | Training) -> _Amounts:
    progress = job.progress
    if isinstance(progress, TrainingProgress):
        return _Amounts(progress.steps_done, progress.steps_planned, progress.steps_done, "steps")
    return _Amounts(progress.episodes_done, progress.episodes_planned, progress.environment_steps, "episodes")


def _bar(amounts: _Amounts) -> str:
    filled = round(_WIDTH * min(amounts.done / amounts.planned, 1.0)) if amounts.planned else 0
    return "[" + "#" * filled + "." * (_WIDTH - filled) + "]"
