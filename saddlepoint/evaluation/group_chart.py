"""Several methods side by side under each attack: a dot each with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

from saddlepoint.evaluation.bar_chart import grid, whisker
from saddlepoint.evaluation.figures import WIDE, Interval, Layout, shorten, span
from saddlepoint.evaluation.svg import Scale, dots, element, line, picture, text

_TOP, _LINE, _GAP = 34, 19, 16


@dataclass(frozen=True)
class Dot:
    """One method: the mean and its interval (None where there is none), and how it is written."""

    label: str
    value: str
    colour: int
    mean: float
    ci95: Interval


@dataclass(frozen=True)
class Row:
    """One attack."""

    label: str
    dots: Sequence[Dot]


def group_chart(rows: Sequence[Row], random_policy: float, title: str, layout: Layout) -> str:
    """A block an attack, a line a method, on one scale; the dashed line is the return of a random policy."""
    left, right, heading = (250, 180, 0) if layout is WIDE else (130, 14, 20)
    found = [dot for row in rows for dot in row.dots]
    low, high = span([random_policy, *(dot.mean for dot in found)], (dot.ci95 for dot in found))
    scale = Scale(low, high, left, layout.width - right)
    heights = [heading + _LINE * len(row.dots) + _GAP for row in rows]
    tops = [_TOP + sum(heights[:index]) for index in range(len(rows) + 1)]
    return picture(
        layout.width,
        tops[-1] + 22,
        title,
        *grid(scale, _TOP - 6, tops[-1] - 4, layout.ticks),
        *_reference(scale, random_policy, tops[-1] - 4),
        *(_row(row, scale, top, heading, layout) for row, top in zip(rows, tops, strict=False)),
        class_=f"figure {layout.name}",
    )


def _reference(scale: Scale, random_policy: float, bottom: float) -> list[str]:
    place = scale(random_policy)
    anchor = "start" if place < scale.start + 50 else "end" if place > scale.end - 50 else "middle"
    return [
        line(place, _TOP - 6, place, bottom, "reference random"),
        text("random policy", place, _TOP - 14, "caption", anchor),
    ]


def _row(row: Row, scale: Scale, top: float, heading: float, layout: Layout) -> str:
    """An attack: its name above the methods where there is a heading, else beside the first."""
    first = top + heading + _LINE / 2
    name = text(shorten(row.label, layout.label_length), 0, top + 14 if heading else first + 4.5, "name")
    methods = (_dot(dot, scale, first + _LINE * index, layout) for index, dot in enumerate(row.dots))
    return element("g", name, *methods)


def _dot(dot: Dot, scale: Scale, y: float, layout: Layout) -> str:
    parts = [text(shorten(dot.label, 17), scale.start - 14, y + 4.5, "method", "end")]
    if dot.ci95 is not None:
        parts.append(element("path", d=whisker(dot.ci95, scale, y), class_="ci"))
    parts.append(element("path", d=dots([(scale(dot.mean), y)]), class_="point"))
    if layout is WIDE:
        parts.append(text(dot.value, layout.width, y + 4.5, "value", "end"))
    return element("g", *parts, class_=f"s{dot.colour}")
