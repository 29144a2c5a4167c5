"""What the report's figures share: colours, their layouts on a wide and on a narrow page, the range they cover."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from saddlepoint.evaluation.svg import text

COLOURS = 8
"""Colour classes of the style sheet: `s0` for no attack, `s1` to `s7` for attacks."""
Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Layout:
    """Where things go, in CSS pixels; `lift` is the height of a label above its bar, 0 where it stands beside."""

    name: str
    width: int
    left: int
    right: int
    row: int
    lift: int
    ticks: int
    label_length: int


WIDE = Layout("wide", width=920, left=140, right=190, row=46, lift=0, ticks=6, label_length=18)
NARROW = Layout("narrow", width=400, left=10, right=10, row=64, lift=22, ticks=4, label_length=24)
LAYOUTS = (WIDE, NARROW)


def span(values: Sequence[float], intervals: Iterable[Interval]) -> tuple[float, float]:
    """What a figure covers: all `values`, and intervals as far as they do not squeeze those into a corner."""
    low, high = min(values), max(values)
    room = 0.35 * (high - low)
    bounds = [bound for interval in intervals for bound in interval or ()]
    low, high = (
        min([low, *(max(bound, low - room) for bound in bounds)]),
        max([high, *(min(bound, high + room) for bound in bounds)]),
    )
    margin = 0.04 * (high - low) or max(1.0, abs(high) * 0.1)
    return low - margin, high + margin


def shorten(label: str, length: int) -> str:
    """A label that fits, with an ellipsis where something is left out."""
    return label if len(label) <= length else f"{label[: length - 1]}…"


def row_texts(label: str, value: str, y: float, layout: Layout) -> list[str]:
    """A row's name and its number: beside it, or above where the layout lifts them; `y` is the row's top."""
    label = shorten(label, layout.label_length)
    if layout.lift:
        baseline = y + layout.lift - 2
        return [
            text(label, layout.left, baseline, "name"),
            text(value, layout.width - layout.right, baseline, "value", "end"),
        ]
    baseline = row_middle(y, layout) + 4.5
    return [text(label, layout.left - 14, baseline, "name", "end"), text(value, layout.width, baseline, "value", "end")]


def row_middle(y: float, layout: Layout) -> float:
    """Where the mark of a row is drawn that begins at `y`."""
    return y + layout.lift + (layout.row - layout.lift) / 2
