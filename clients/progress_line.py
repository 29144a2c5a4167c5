"""How far a job has come, drawn: on a terminal one line that is redrawn, elsewhere a new line now and then.

A cell that has finished gets a line of its own, which stays.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

from clients.pace import Amounts, Pace, amounts_of
from clients.sparkline import sparkline
from clients.tables import interval_text
from saddlepoint.schemas.evaluations import TERMINAL, Evaluation
from saddlepoint.schemas.jobs import JobState
from saddlepoint.schemas.reports import Cell
from saddlepoint.schemas.trainings import Training

_BAR_WIDTH = 24
_CURVE_WIDTH = 20
_REST = {"episodes": "the rest is the report", "steps": "the rest is publishing", "parts": "the rest is the result"}
"""What goes on when all that is counted is done."""
_QUIET_S = 10.0
"""Between two lines where nothing can be redrawn."""
_WIPE = "\r\x1b[K"
"""To the beginning of the line, and erase what is there."""
_COLOUR, _PLAIN = "\x1b[36m", "\x1b[0m"


class ProgressLine:
    """Draws the states of one job; call `close` when no more will come."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._redraws = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._colours = self._redraws and "NO_COLOR" not in os.environ
        self._pace = Pace()
        self._written_at = -_QUIET_S
        self._status = ""
        self._is_open = False
        self._curve: dict[int, float] = {}
        self._told = 0

    def __call__(self, job: Evaluation | Training | JobState) -> None:
        now, amounts = self._clock(), amounts_of(job)
        counted = f"{amounts.done:,}/{amounts.planned:,} {amounts.unit}"
        after = ", ".join([counted, *self._ahead(now, amounts, job.status), *self._learning(job)])
        self._tell_cells(job)
        if self._redraws:
            self._redraw(job.status, amounts, after)
        elif job.status != self._status or now - self._written_at >= _QUIET_S:
            self._stream.write(f"{job.status:<10} {_bar(amounts)} {after}\n")
            self._written_at = now
        self._status = job.status
        self._stream.flush()

    def close(self) -> None:
        """End the line that was being redrawn."""
        if self._is_open:
            self._stream.write("\n")
            self._stream.flush()
        self._is_open = False

    def _redraw(self, status: str, amounts: Amounts, after: str) -> None:
        """No wider than the terminal: a line that wraps could not be wiped."""
        before = f"{status:<10} "
        room = shutil.get_terminal_size().columns - 1 - len(before) - _BAR_WIDTH - len("[] ")
        bar = f"{_COLOUR}{_bar(amounts)}{_PLAIN}" if self._colours else _bar(amounts)
        self._stream.write(f"{_WIPE}{before}{bar} {_clipped(after, room)}")
        self._is_open = True

    def _ahead(self, now: float, amounts: Amounts, status: str) -> list[str]:
        """How fast it goes; what is left to do where all is played and the job goes on."""
        if status == "processing" and amounts.share == 1.0:
            return [_REST[amounts.unit]]
        return self._pace.describe(now, amounts)

    def _tell_cells(self, job: Evaluation | Training | JobState) -> None:
        """Those that have finished since the last state; what had ended before is told by its report alone."""
        if not isinstance(job, Evaluation) or (job.status in TERMINAL and not self._status):
            return
        for cell in job.cells[self._told :]:
            self._stream.write(f"{_WIPE if self._redraws else ''}{_finished(cell)}\n")
        self._told = max(self._told, len(job.cells))

    def _learning(self, job: Evaluation | Training | JobState) -> list[str]:
        """Of a training the return of the acting policy: now, and since its first games."""
        if isinstance(job, Training):  # later states bring the newest point only
            points = ((point.update, point.mean_return) for point in job.progress.curve)
            self._curve |= {update: value for update, value in points if value is not None}
        if not self._curve:
            return []
        values = [self._curve[update] for update in sorted(self._curve)]
        return [f"return {values[-1]:,.1f} {sparkline(values, _CURVE_WIDTH)}"]


def _finished(cell: Cell) -> str:
    episodes = f"{cell.episodes} episode{'s' if cell.episodes > 1 else ''}"
    return f"  {cell.title:<16} {cell.mean:>10.2f}  {interval_text(cell.ci95):<20} {cell.action_mode}, {episodes}"


def _clipped(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 1, 0)] + "…"


def _bar(amounts: Amounts) -> str:
    filled = round(_BAR_WIDTH * amounts.share)
    return "[" + "#" * filled + "." * (_BAR_WIDTH - filled) + "]"
