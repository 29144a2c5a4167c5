"""Timing one thing against another on a machine that others use too."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A benchmark's result; `ratio` is value / baseline, both of the same run, and `goal` the least it should be."""

    name: str
    value: float
    unit: str
    baseline: float
    ratio: float
    goal: float | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def compare_rates(
    name: str,
    ours: Callable[[], object],
    baseline: Callable[[], object],
    *,
    count: float,
    unit: str,
    baseline_count: float | None = None,
    goal: float | None = None,
    repeats: int = 7,
) -> Figure:
    """Rates of two functions that do `count` units of work each (or the other `baseline_count`), in turn and warm.

    The ratio is the median over repeats of the ratio of neighbouring rates, so that a load that comes and goes falls
    on both.
    """
    ours(), baseline()
    other_count = count if baseline_count is None else baseline_count
    rates = [(count / _seconds(ours), other_count / _seconds(baseline)) for _ in range(repeats)]
    return Figure(
        name=name,
        value=statistics.median(own for own, _ in rates),
        unit=unit,
        baseline=statistics.median(other for _, other in rates),
        ratio=statistics.median(own / other for own, other in rates),
        goal=goal,
    )


def table(figures: list[Figure]) -> str:
    """Plain text, one line a figure."""
    header = f"{'benchmark':<28}{'value':>12}{'baseline':>12}  {'unit':<16}{'ratio':>7}{'goal':>7}"
    lines = [
        f"{figure.name:<28}{figure.value:>12,.1f}{figure.baseline:>12,.1f}  {figure.unit:<16}{figure.ratio:>7.2f}"
        f"{'' if figure.goal is None else format(figure.goal, '.1f'):>7}"
        for figure in figures
    ]
    return "\n".join([header, *lines])


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
