"""SVG written by hand: a few escaped elements and a linear scale. Colours are classes, so a page's themes apply."""

import html
from collections.abc import Iterable
from dataclasses import dataclass

_UNDERSCORED = {"class_": "class"}


@dataclass(frozen=True)
class Scale:
    """Maps `low`..`high` of the data onto `start`..`end` of the picture."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def element(name: str, *children: str, **attributes: str | float | None) -> str:
    """An element; attribute values are escaped, children are markup. `class_` is `class`, `_` in a name is `-`."""
    written = "".join(
        f' {_UNDERSCORED.get(key, key.replace("_", "-"))}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def text(content: str, x: float, y: float, class_: str, anchor: str | None = None) -> str:
    """A line of text, escaped."""
    return element("text", html.escape(content), x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    return element("path", d=f"M{_value(x1)} {_value(y1)}L{_value(x2)} {_value(y2)}", class_=class_)


def polyline(points: Iterable[tuple[float, float]]) -> str:
    """Path data through `points`."""
    return "M" + "L".join(f"{_value(x)} {_value(y)}" for x, y in points)


def dots(points: Iterable[tuple[float, float]]) -> str:
    """Path data of one dot per point, drawn by a round line cap: a tenth of the bytes of circles."""
    return "".join(f"M{_value(x)} {_value(y)}h0" for x, y in points)


def picture(width: float, height: float, title: str, *children: str, class_: str) -> str:
    """The whole drawing, which a screen reader announces by its title."""
    return element(
        "svg",
        element("title", html.escape(title)),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        role="img",
        class_=class_,
    )


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return html.escape(value)
    return f"{value:.1f}".removesuffix(".0")
