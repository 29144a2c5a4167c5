"""How fast a job goes, and how long it will go on."""

from typing import NamedTuple

from saddlepoint.schemas.evaluations import Evaluation
from saddlepoint.schemas.jobs import JobProgress, JobState
from saddlepoint.schemas.trainings import Training, TrainingProgress

_ENOUGH = {"episodes": 20, "steps": 20, "parts": 2}
"""By unit, how many must be done before the rest is guessed: episodes of a batch end together, or not yet."""


class Amounts(NamedTuple):
    """How much of a job is done, in the unit of its plan, and in environment steps where it takes some."""

    done: int
    planned: int
    steps: int | None
    unit: str

    @property
    def share(self) -> float:
        return min(self.done / self.planned, 1.0) if self.planned else 0.0


def amounts_of(job: Evaluation | Training | JobState) -> Amounts:
    progress = job.progress
    if isinstance(progress, JobProgress):
        return Amounts(progress.done, progress.planned, None, "parts")
    if isinstance(progress, TrainingProgress):
        return Amounts(progress.steps_done, progress.steps_planned, progress.steps_done, "steps")
    return Amounts(progress.episodes_done, progress.episodes_planned, progress.environment_steps, "episodes")


class Pace:
    """Rates since the first steps were seen: what a job had done by then, somebody else may have done long ago."""

    def __init__(self) -> None:
        self._first: tuple[float, Amounts] | None = None

    def describe(self, now: float, amounts: Amounts) -> list[str]:
        """What can be said at `now`, seconds: units a second, steps a second, the time left."""
        if self._first is None:
            if amounts.steps is None or amounts.steps:
                self._first = (now, amounts)
            return []
        elapsed_s, first = now - self._first[0], self._first[1]
        if elapsed_s <= 0:
            return []
        done = amounts.done - first.done
        said = [f"{_rate(done / elapsed_s)} {amounts.unit}/s"] if done else []
        if amounts.steps is not None and first.steps is not None and amounts.unit != "steps":
            said.append(f"{_rate((amounts.steps - first.steps) / elapsed_s)} steps/s")
        if done >= _ENOUGH[amounts.unit] and amounts.done < amounts.planned:
            said.append(f"{_duration((amounts.planned - amounts.done) * elapsed_s / done)} left")
        return said


def _rate(each_s: float) -> str:
    return f"{each_s:,.0f}" if each_s >= 10 else f"{each_s:.2g}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
