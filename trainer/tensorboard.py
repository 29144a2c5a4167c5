"""A learning curve as an event file of TensorBoard."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from saddlepoint.schemas.trainings import DEFENSES, CurvePoint
from trainer.event_file import beginning, scalars
from trainer.files import write_atomically


def events_of(points: Iterable[CurvePoint], method: str, started: float) -> bytes:
    """The whole curve as one file; `started` in seconds since 1970, and later times as its speeds make them."""
    timed = timed_from(started, points)
    return beginning(started) + b"".join(_event(point, method, moment) for point, moment in timed)


def timed_from(started: float, points: Iterable[CurvePoint]) -> Iterator[tuple[CurvePoint, float]]:
    """Each point with its time on a clock that only runs while the training does."""
    moment, steps = started, 0
    for point in points:
        moment += (point.steps - steps) / point.extra["steps_per_second"]
        steps = point.steps
        yield point, moment


class EventFile:
    """The event file in the folder of a run: begun anew from the curve, then added to.

    What a killed run wrote after its last checkpoint is not in the curve that the next one begins with.
    """

    def __init__(self, path: Path, method: str, points: list[CurvePoint], now: float) -> None:
        elapsed = max((moment for _, moment in timed_from(0.0, points)), default=0.0)
        self._path, self._method = path, method
        write_atomically(path, events_of(points, method, now - elapsed))

    def append(self, point: CurvePoint, now: float) -> None:
        with self._path.open("ab") as file:
            file.write(_event(point, self._method, now))


def _event(point: CurvePoint, method: str, moment: float) -> bytes:
    values = {"games": float(point.episodes)} | point.extra
    if point.mean_return is not None:
        values[f"mean return, acting on {DEFENSES[method].acts_on}"] = point.mean_return
    return scalars(moment, point.steps, values)
