"""The entries of an observation that is no picture: over the steps of two games, and shifted by an attack."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from saddlepoint.evaluation.formatting import nice_ticks, number, signed, tick_decimals
from saddlepoint.evaluation.svg import Scale, element, line, picture, polyline, text

_WIDTH, _HEIGHT = 290, 104
_MOST_POINTS = 250
_BAR = 15


def course_chart(clean: NDArray[np.floating], attacked: NDArray[np.floating], colour: int, title: str) -> str:
    """One entry over the steps of both games, (T,) each."""
    both = np.concatenate([clean, attacked])
    low, high = float(both.min()), float(both.max())
    y = Scale(low, high if high > low else low + 1, _HEIGHT - 20, 8)
    x = Scale(0.0, float(max(len(clean), len(attacked), 2) - 1), 46, _WIDTH - 6)
    ticks = nice_ticks(y.low, y.high, 3)
    decimals = tick_decimals(ticks)
    return picture(
        _WIDTH,
        _HEIGHT,
        title,
        *(line(x.start, y(tick), x.end, y(tick), "grid") for tick in ticks),
        *(text(number(tick, decimals), x.start - 6, y(tick) + 4, "tick", "end") for tick in ticks),
        text(f"{x.high:,.0f}", x.end, _HEIGHT - 4, "tick", "end"),
        text("0", x.start, _HEIGHT - 4, "tick", "middle"),
        _curve(clean, x, y, 0),
        _curve(attacked, x, y, colour),
        class_="course",
    )


def shift_chart(shares: Sequence[float], colour: int, title: str) -> str:
    """What an attack adds to each entry, as a share of what it may: bars from -1 to 1."""
    height = _BAR * len(shares) + 22
    x = Scale(-1.0, 1.0, 26, _WIDTH - 14)
    bars = [
        element("path", d=f"M{x(0):.1f} {_BAR * row + 2}H{x(share):.1f}v{_BAR - 4}H{x(0):.1f}Z", class_="solid")
        for row, share in enumerate(shares)
    ]
    names = [text(str(row), x.start - 8, _BAR * row + 12, "tick", "end") for row in range(len(shares))]
    ticks = [text(signed(tick, 0), x(tick), height - 4, "tick", "middle") for tick in (-1, 0, 1)]
    grid = [line(x(tick), 0, x(tick), height - 18, "grid") for tick in (-1, 0, 1)]
    drawn = element("g", *bars, class_=f"s{colour}")
    return picture(_WIDTH, height, title, *grid, drawn, *names, *ticks, class_="course")


def _curve(values: NDArray[np.floating], x: Scale, y: Scale, colour: int) -> str:
    steps = np.unique(np.linspace(0, len(values) - 1, min(_MOST_POINTS, len(values))).astype(int))
    places = [(x(float(step)), y(float(values[step]))) for step in steps]
    return element("g", element("path", d=polyline(places), class_="curve"), class_=f"s{colour}")
