"""Return against epsilon as curves, one per attack."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from saddlepoint.evaluation.figures import WIDE, Interval, Layout, shorten, span
from saddlepoint.evaluation.formatting import nice_ticks, number, tick_decimals
from saddlepoint.evaluation.svg import Scale, element, line, picture, polyline, text


@dataclass(frozen=True)
class Point:
    epsilon: float
    mean: float
    ci95: Interval


@dataclass(frozen=True)
class Series:
    """One attack at several epsilons, ascending."""

    label: str
    colour: int
    points: Sequence[Point]


def epsilon_chart(
    series: Sequence[Series],
    random_policy: float,
    clean: Point | None,
    title: str,
    layout: Layout,
    *,
    half: float | None = None,
) -> str:
    """Return against epsilon as in Figure 3 of the ATPA paper; bands are the intervals of the means.

    `half` is the epsilon at which half of the score is lost; None where it never is.
    """
    left, right, top, height = (64, 150, 18, 380) if layout is WIDE else (44, 84, 18, 320)
    bottom = height - 46
    points = [point for each in series for point in each.points] + ([clean] if clean else [])
    low, high = span([random_policy, *(point.mean for point in points)], (point.ci95 for point in points))
    y = Scale(low, high, bottom, top)
    x = Scale(0.0, max(point.epsilon for point in points) or 1.0, left, layout.width - right)
    lines = [_curve(each, clean, x, y, _marker(each.colour)) for each in series]
    children = [
        *_grid(y, left, layout.width - right),
        *_epsilon_axis(x, sorted({point.epsilon for point in points} | {0.0}), bottom),
        line(left, y(random_policy), layout.width - right, y(random_policy), "reference random"),
        *(_half_mark(x(half), top, bottom, left) if half is not None else ()),
        *lines,
        *_end_labels(series, random_policy, y, layout.width - right + 12, layout),
    ]
    return picture(layout.width, height, title, *children, class_=f"figure {layout.name}")


def _curve(series: Series, clean: Point | None, x: Scale, y: Scale, marker: str) -> str:
    points = [*([clean] if clean else []), *(point for point in series.points if point.epsilon > 0 or not clean)]
    upper = [(x(point.epsilon), y(min(point.ci95[1], y.high))) for point in points if point.ci95]
    lower = [(x(point.epsilon), y(max(point.ci95[0], y.low))) for point in points if point.ci95]
    places = [(x(point.epsilon), y(point.mean)) for point in points]
    return element(
        "g",
        element("path", d=polyline([*upper, *reversed(lower)]) + "Z", class_="band") if len(upper) > 1 else "",
        element("path", d=polyline(places), class_="curve"),
        *(element("path", d=marker, transform=f"translate({px:.1f} {py:.1f})", class_="mark") for px, py in places),
        class_=f"s{series.colour}",
    )


def _half_mark(x: float, top: float, bottom: float, left: float) -> list[str]:
    """A line with its name at the foot, on the side where there is room."""
    name, anchor, gap = "half lost", "start" if x < left + 90 else "end", 6
    return [
        line(x, top, x, bottom, "reference half"),
        text(name, x + gap if anchor == "start" else x - gap, bottom - 8, "caption half", anchor),
    ]


def _marker(colour: int) -> str:
    """A shape for each colour, so that the curves can be told apart without it."""
    shapes = (
        "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z",
        "M-3.6-3.6h7.2v7.2h-7.2Z",
        "M0-4.8L4.6 3.4h-9.2Z",
        "M0-5.2L5.2 0L0 5.2L-5.2 0Z",
        "M0 4.8L4.6-3.4h-9.2Z",
        "M-1.5-5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5Z",
    )
    return shapes[(colour + 4) % len(shapes)]


def _end_labels(series: Sequence[Series], random_policy: float, y: Scale, x: float, layout: Layout) -> list[str]:
    """Names at the ends of the curves, moved apart where they would overlap."""
    wanted = [
        (y(each.points[-1].mean), shorten(each.label, layout.label_length - 6), f"name s{each.colour}")
        for each in series
    ]
    wanted.append((y(random_policy), "random policy" if layout is WIDE else "random pol.", "caption"))
    wanted.sort()
    places = [place for place, _, _ in wanted]
    gap = 16.0
    for _ in range(8 * len(places)):
        for index, (above, below) in enumerate(pairwise(places)):
            if below - above < gap - 1e-9:
                shift = (gap - (below - above)) / 2
                places[index] -= shift
                places[index + 1] += shift
    return [text(name, x, place + 4, kind) for place, (_, name, kind) in zip(places, wanted, strict=True)]


def _grid(scale: Scale, left: float, right: float) -> list[str]:
    ticks = nice_ticks(scale.low, scale.high, 6)
    decimals = tick_decimals(ticks)
    lines = [line(left, scale(tick), right, scale(tick), "grid") for tick in ticks]
    return lines + [text(number(tick, decimals), left - 10, scale(tick) + 4, "tick", "end") for tick in ticks]


def _epsilon_axis(scale: Scale, epsilons: Sequence[float], bottom: float) -> list[str]:
    parts, last = [], float("-inf")
    for epsilon in epsilons:
        if scale(epsilon) - last >= 26:
            parts.append(text(f"{epsilon:g}", scale(epsilon), bottom + 20, "tick", "middle"))
            last = scale(epsilon)
    parts.append(text("epsilon", (scale.start + scale.end) / 2, bottom + 40, "caption", "middle"))
    return [line(scale.start, bottom, scale.end, bottom, "axis"), *parts]
