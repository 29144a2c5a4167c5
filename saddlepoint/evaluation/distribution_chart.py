"""Cumulative distributions over states on a logarithmic axis, one curve per policy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from saddlepoint.evaluation.figures import WIDE, Layout, shorten
from saddlepoint.evaluation.svg import Scale, element, line, picture, polyline, text

MOST_POINTS = 400
"""Of one curve: quantiles, where there are more states."""
LEAST = 1e-6
"""Nats; what is below is drawn here."""
_LEGEND = 22


@dataclass(frozen=True)
class Distribution:
    label: str
    colour: int
    values: Sequence[float]


def distribution_chart(distributions: Sequence[Distribution], title: str, layout: Layout) -> str:
    """The share of states whose value is at most x, as the paper's Figure 4 compares policies."""
    left, right = (64, 24) if layout is WIDE else (44, 16)
    top = 18 + _LEGEND * len(distributions)
    bottom = top + (300 if layout is WIDE else 240)
    low, high = _decades(distributions)
    x, y = Scale(low, high, left, layout.width - right), Scale(0.0, 1.0, bottom, top)
    return picture(
        layout.width,
        bottom + 46,
        title,
        *_grid(x, y),
        *(_curve(each, x, y) for each in distributions),
        *(_legend(each, left, 12 + _LEGEND * row, layout) for row, each in enumerate(distributions)),
        class_=f"figure {layout.name}",
    )


def _decades(distributions: Sequence[Distribution]) -> tuple[float, float]:
    """Whole powers of ten around all values, as exponents."""
    values = [max(value, LEAST) for each in distributions for value in each.values]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return float(low), float(max(high, low + 1))


def _curve(distribution: Distribution, x: Scale, y: Scale) -> str:
    shares = np.linspace(0.0, 1.0, min(MOST_POINTS, max(2, len(distribution.values))))
    exponents = np.log10(np.maximum(np.quantile(distribution.values, shares), LEAST))
    points = [(x(float(exponent)), y(float(share))) for exponent, share in zip(exponents, shares, strict=True)]
    return element("g", element("path", d=polyline(points), class_="curve"), class_=f"s{distribution.colour}")


def _legend(distribution: Distribution, left: float, y: float, layout: Layout) -> str:
    median = float(np.median(distribution.values))
    label = f"{shorten(distribution.label, layout.label_length)}: median {median:.3g}"
    return element(
        "g",
        element("path", d=polyline([(left, y), (left + 24, y)]), class_="curve"),
        text(label, left + 32, y + 4.5, "name"),
        class_=f"s{distribution.colour}",
    )


def _grid(x: Scale, y: Scale) -> list[str]:
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts += [
            line(x.start, y(share), x.end, y(share), "grid"),
            text(f"{share:.0%}", x.start - 10, y(share) + 4, "tick", "end"),
        ]
    exponents = range(int(x.low), int(x.high) + 1)
    step = max(1, math.ceil(len(exponents) / 8))
    for exponent in exponents[::step]:
        parts += [
            line(x(exponent), y.start, x(exponent), y.end, "grid"),
            text(f"{10.0**exponent:g}", x(exponent), y.start + 18, "tick", "middle"),
        ]
    middle = (x.start + x.end) / 2
    return [*parts, text("largest KL between two perturbed policies, nats", middle, y.start + 38, "caption", "middle")]
