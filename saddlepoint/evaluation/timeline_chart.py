"""Two games over their steps: the score so far, how far the attack moved the policy, where it changed its choice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saddlepoint.evaluation.figures import WIDE, Layout
from saddlepoint.evaluation.formatting import nice_ticks, number, tick_decimals
from saddlepoint.evaluation.svg import Scale, element, line, picture, polyline, text

_MOST_POINTS = 400
"""Of a curve: more steps are put together, of which the highest is drawn."""
_TOP, _SCORE, _MOVED, _FLIPS, _BETWEEN, _NUMBERS = 34, 130, 64, 14, 34, 18
"""Heights, in CSS pixels: above the first row, of the rows, between them, and of the numbers of the marks."""
_APART = 12
"""Numbers that would be nearer to one another are left out."""


@dataclass(frozen=True)
class Timeline:
    """T steps of each game; a game that ended earlier has fewer."""

    clean_score: NDArray[np.float64]
    """(T,): earned up to and including a step."""
    attacked_score: NDArray[np.float64]
    moved: NDArray[np.float64]
    """(T,): of the attacked game, in the unit that `moved_by` names."""
    moved_by: str
    flips: NDArray[np.float64] | None
    """(T,): 0 or 1; None where actions are numbers."""
    marks: Sequence[int]
    """Steps that are numbered."""
    colour: int
    """Of the attack."""

    @property
    def steps(self) -> int:
        return max(len(self.clean_score), len(self.attacked_score))


def edges(layout: Layout) -> tuple[float, float]:
    """Where the steps begin and end, as shares of the drawing's width."""
    left, right = _sides(layout)
    return left / layout.width, 1 - right / layout.width


def timeline_chart(timeline: Timeline, title: str, layout: Layout) -> str:
    """Both games from the first step to the last of the longer one."""
    left, right = _sides(layout)
    x = Scale(0.0, float(max(1, timeline.steps)), left, layout.width - right)
    moved_top = _TOP + _SCORE + _BETWEEN + _NUMBERS
    flips_top = moved_top + _MOVED + _BETWEEN
    bottom = moved_top + _MOVED if timeline.flips is None else flips_top + _FLIPS
    return picture(
        layout.width,
        bottom + 44,
        title,
        *_scores(timeline, x, left),
        *_moved(timeline, x, moved_top, left),
        *_flips(timeline, x, flips_top, left),
        *_marks(timeline, x, moved_top),
        *_steps(x, bottom),
        class_=f"figure {layout.name}",
    )


def _sides(layout: Layout) -> tuple[int, int]:
    return (64, 16) if layout is WIDE else (44, 10)


def _scores(timeline: Timeline, x: Scale, left: float) -> list[str]:
    games = (timeline.clean_score, timeline.attacked_score)
    low, high = (float(pick([0.0, *(pick(game) for game in games if len(game))])) for pick in (min, max))
    y = Scale(low, high if high > low else low + 1, _TOP + _SCORE, _TOP)
    curves = [
        element("g", element("path", d=polyline(_places(game, x, y)), class_="curve"), class_=f"s{colour}")
        for game, colour in zip(games, (0, timeline.colour), strict=True)
    ]
    return [text("score so far", left, _TOP - 14, "caption"), *_grid(y, x), *curves]


def _places(values: NDArray[np.float64], x: Scale, y: Scale) -> list[tuple[float, float]]:
    steps = np.unique(np.linspace(0, len(values), min(_MOST_POINTS, len(values) + 1)).astype(int))
    scores = np.concatenate([[0.0], values])
    return [(x(float(step)), y(float(scores[step]))) for step in steps]


def _moved(timeline: Timeline, x: Scale, top: float, left: float) -> list[str]:
    heights, starts = _binned(timeline.moved, np.max)
    y = Scale(0.0, float(heights.max(initial=0.0)) or 1.0, top + _MOVED, top)
    points = [(x(float(at)), y(float(value))) for at, value in zip(starts, heights, strict=False)]
    area = polyline([(x(0.0), y.start), *points, (x(float(len(timeline.moved))), y.start)]) + "Z"
    drawn = element("g", element("path", d=area, class_="area"), class_=f"s{timeline.colour}")
    return [text(timeline.moved_by, left, top - 14 - _NUMBERS, "caption"), *_grid(y, x, 2), drawn]


def _flips(timeline: Timeline, x: Scale, top: float, left: float) -> list[str]:
    """A strip that is the darker the more often the choice changed."""
    if timeline.flips is None:
        return []
    shares, starts = _binned(timeline.flips, np.mean)
    cells = [
        element(
            "path",
            d=f"M{x(float(start)):.1f} {top:.1f}H{x(float(end)):.1f}V{top + _FLIPS:.1f}H{x(float(start)):.1f}Z",
            class_="flip",
            opacity=f"{share:.2f}",
        )
        for share, (start, end) in zip(shares, pairwise(starts), strict=True)
        if share > 0
    ]
    frame = line(x.start, top + _FLIPS, x.end, top + _FLIPS, "axis")
    return [text("most likely action changed", left, top - 8, "caption"), *cells, frame]


def _binned(values: NDArray[np.float64], fold: Callable[..., Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """`fold` over at most _MOST_POINTS runs of steps, and where they begin, with the end of the last one."""
    count = min(_MOST_POINTS, len(values))
    starts = np.linspace(0, len(values), count + 1).astype(np.int64)
    return np.array([fold(values[a:b]) for a, b in pairwise(starts)]), starts


def _marks(timeline: Timeline, x: Scale, top: float) -> list[str]:
    drawn, last = [], float("-inf")
    for place, step in enumerate(timeline.marks, start=1):
        at = x(step + 0.5)
        drawn.append(line(at, top - 4, at, top + _MOVED, "moment"))
        if at - last >= _APART:
            drawn.append(text(str(place), at, top - 8, "name", "middle"))
            last = at
    return drawn


def _grid(scale: Scale, x: Scale, count: int = 4) -> list[str]:
    ticks = nice_ticks(scale.low, scale.high, count)
    decimals = tick_decimals(ticks)
    lines = [line(x.start, scale(tick), x.end, scale(tick), "grid") for tick in ticks]
    return lines + [text(number(tick, decimals), x.start - 8, scale(tick) + 4, "tick", "end") for tick in ticks]


def _steps(x: Scale, bottom: float) -> list[str]:
    ticks = [tick for tick in nice_ticks(x.low, x.high, 6) if tick == int(tick)]
    labels = [text(f"{tick:,.0f}", x(tick), bottom + 18, "tick", "middle") for tick in ticks]
    return [*labels, text("agent step", (x.start + x.end) / 2, bottom + 38, "caption", "middle")]
