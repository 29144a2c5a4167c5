"""Returns by attack as horizontal bars."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from saddlepoint.evaluation.figures import Interval, Layout, row_middle, row_texts, span
from saddlepoint.evaluation.formatting import nice_ticks, number, tick_decimals
from saddlepoint.evaluation.svg import Scale, dots, element, line, picture, polyline, text

MAX_DOTS = 2000
"""Of one figure: keeps the page small however many episodes there are."""


@dataclass(frozen=True)
class Bar:
    """One cell: the mean, its interval (None for a single episode), and the return of every episode."""

    label: str
    value: str
    colour: int
    mean: float
    ci95: Interval
    returns: Sequence[float]


def bar_chart(bars: Sequence[Bar], random_policy: float, clean: float | None, title: str, layout: Layout) -> str:
    """Returns by attack as in Figure 1 of the ATPA paper, with the interval of each mean and a dot for every episode.

    A bar starts at the return of the random policy, so its length is what the policy is worth: games differ in where
    their scores begin, and some are below zero throughout.
    """
    top = 34
    bottom = top + layout.row * len(bars) + 4
    references = [random_policy] if clean is None else [random_policy, clean]
    values = [value for bar in bars for value in (bar.mean, *bar.returns)]
    low, high = span([*values, *references], (bar.ci95 for bar in bars))
    scale = Scale(low, high, layout.left, layout.width - layout.right)
    limit = dot_limit(len(bars))
    rows = [_row(bar, scale, random_policy, top + layout.row * index, limit, layout) for index, bar in enumerate(bars)]
    marks = _references(scale, random_policy, clean, top - 6, bottom, layout)
    return picture(
        layout.width,
        bottom + 26,
        title,
        *grid(scale, top - 6, bottom, layout.ticks),
        *marks,
        *rows,
        class_=f"figure {layout.name}",
    )


def dot_limit(bars: int) -> int:
    """Dots per bar of a chart of so many bars; a bar with more episodes shows quantiles of them."""
    return max(20, MAX_DOTS // max(1, bars))


def _row(bar: Bar, scale: Scale, start: float, y: float, limit: int, layout: Layout) -> str:
    middle = row_middle(y, layout)
    low, high = sorted((scale(start), scale(bar.mean)))
    parts = [
        element("rect", x=low, y=middle - 9, width=max(high - low, 0.1), height=18, class_="bar"),
        element("path", d=dots(_strip(bar.returns, scale, middle, limit)), class_="dots"),
    ]
    if bar.ci95 is not None:
        parts.append(element("path", d=whisker(bar.ci95, scale, middle), class_="ci"))
    parts.append(
        element("path", d=polyline([(scale(bar.mean), middle - 11), (scale(bar.mean), middle + 11)]), class_="mean")
    )
    return element("g", *parts, *row_texts(bar.label, bar.value, y, layout), class_=f"s{bar.colour}")


def _strip(returns: Sequence[float], scale: Scale, middle: float, limit: int) -> Iterable[tuple[float, float]]:
    """A dot per episode, or `limit` quantiles of them; spread across the bar by a sequence that never clumps."""
    ordered = sorted(returns)
    if len(ordered) > limit:
        ordered = [ordered[round(index * (len(ordered) - 1) / (limit - 1))] for index in range(limit)]
    for index, value in enumerate(ordered):
        yield scale(value), middle + 14 * ((0.15 + index * 0.6180339887) % 1 - 0.5)


def whisker(bounds: tuple[float, float], scale: Scale, y: float) -> str:
    """An interval as a line; an end inside the figure has a cap, one beyond it an arrow head at the edge."""
    left, right = scale(max(bounds[0], scale.low)), scale(min(bounds[1], scale.high))
    path = polyline([(left, y), (right, y)])
    for x, beyond, inward in ((left, bounds[0] < scale.low, 6), (right, bounds[1] > scale.high, -6)):
        path += polyline([(x + inward, y - 4), (x, y), (x + inward, y + 4)] if beyond else [(x, y - 5), (x, y + 5)])
    return path


def _references(
    scale: Scale, random_policy: float, clean: float | None, top: float, bottom: float, layout: Layout
) -> list[str]:
    """The random policy and the clean mean as lines with their names above, kept inside and apart."""
    marks = [("random policy", "random", scale(random_policy))]
    if clean is not None:
        marks.append(("no attack", "clean", scale(clean)))
    marks.sort(key=lambda mark: mark[2])
    close = len(marks) == 2 and marks[1][2] - marks[0][2] < 100
    parts = []
    for index, (name, kind, x) in enumerate(marks):
        anchor = ("end", "start")[index] if close else "middle"
        at_edge = x < 50 if anchor != "start" else x > layout.width - 80
        anchor = {True: "start" if x < 50 else "end", False: anchor}[at_edge]
        parts += [line(x, top, x, bottom, f"reference {kind}"), text(name, x, top - 8, "caption", anchor)]
    return parts


def grid(scale: Scale, top: float, bottom: float, count: int) -> list[str]:
    """Vertical lines at round numbers, `count` of them or so, with the numbers below."""
    ticks = nice_ticks(scale.low, scale.high, count)
    decimals = tick_decimals(ticks)
    lines = [line(scale(tick), top, scale(tick), bottom, "grid") for tick in ticks]
    return lines + [text(number(tick, decimals), scale(tick), bottom + 18, "tick", "middle") for tick in ticks]
