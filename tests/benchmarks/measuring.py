"""Timing one thing against another on a machine that others use too."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A benchmark's result; `ratio` is value / baseline, both of the same run, and `goal` what it should reach."""

    name: str
    value: float
    unit: str
    baseline: float
    ratio: float
    goal: float | None
    at_most: bool = False
    """The goal is not the least but the most that the ratio should be."""

    @property
    def is_missed(self) -> bool:
        if self.goal is None:
            return False
        return self.ratio > self.goal if self.at_most else self.ratio < self.goal

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
    rates = [(count / seconds(ours), other_count / seconds(baseline)) for _ in range(repeats)]
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
        f"{figure.name:<28}{figure.value:>12,.1f}{figure.baseline:>12,.1f}  {figure.unit:<16}"
        f"{figure.ratio:>7.{3 if figure.ratio < 0.1 else 2}f}{_goal(figure):>7}"
        for figure in figures
    ]
    return "\n".join([header, *lines])


def _goal(figure: Figure) -> str:
    return "" if figure.goal is None else f"{'<' if figure.at_most else ''}{figure.goal:g}"


def seconds(call: Callable[[], object]) -> float:
    """What one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
