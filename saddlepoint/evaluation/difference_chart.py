"""What changed under each attack: candidate minus baseline, with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

from saddlepoint.evaluation.bar_chart import grid, whisker
from saddlepoint.evaluation.figures import Interval, Layout, row_middle, row_texts, span
from saddlepoint.evaluation.svg import Scale, dots, element, line, picture, text

_TOP = 34


@dataclass(frozen=True)
class Difference:
    """One row: the mean difference and its interval (None where there is none)."""

    label: str
    value: str
    colour: int
    mean: float
    ci95: Interval


def difference_chart(differences: Sequence[Difference], title: str, layout: Layout) -> str:
    """A dot a row with its interval, beside the line where nothing has changed."""
    bottom = _TOP + layout.row * len(differences) + 4
    low, high = span([0.0, *(each.mean for each in differences)], (each.ci95 for each in differences))
    scale = Scale(low, high, layout.left, layout.width - layout.right)
    zero = scale(0.0)
    anchor = "start" if zero < 50 else "end" if zero > layout.width - 50 else "middle"
    return picture(
        layout.width,
        bottom + 26,
        title,
        *grid(scale, _TOP - 6, bottom, layout.ticks),
        line(zero, _TOP - 6, zero, bottom, "reference clean"),
        text("no change", zero, _TOP - 14, "caption", anchor),
        *(_row(each, scale, _TOP + layout.row * index, layout) for index, each in enumerate(differences)),
        class_=f"figure {layout.name}",
    )


def _row(difference: Difference, scale: Scale, y: float, layout: Layout) -> str:
    middle = row_middle(y, layout)
    parts = []
    if difference.ci95 is not None:
        parts.append(element("path", d=whisker(difference.ci95, scale, middle), class_="ci"))
    parts.append(element("path", d=dots([(scale(difference.mean), middle)]), class_="point"))
    parts += row_texts(difference.label, difference.value, y, layout)
    return element("g", *parts, class_=f"s{difference.colour}")
