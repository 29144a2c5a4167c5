"""Values as pages show them: as many digits as one reads, and a true minus sign."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from markupsafe import Markup

NOTHING = "–"
_MINUS = "−"


def number(value: float | None) -> str:
    """About three digits: 1,234 and 12.3 and 0.00123."""
    if value is None:
        return NOTHING
    size = abs(value)
    text = f"{size:,.0f}" if size >= 100 or size == int(size) else f"{size:.3g}"
    return _MINUS + text if value < 0 and text.strip("0.,") else text


def interval(bounds: tuple[float, float] | None) -> str:
    """In brackets, empty where there is none."""
    return "" if bounds is None else f"[{number(bounds[0])}, {number(bounds[1])}]"


def share(value: float | None) -> str:
    """A fraction in percent."""
    return NOTHING if value is None else f"{number(round(100 * value, 1))}%"


def moment(value: datetime) -> Markup:
    """A moment, as programs and as people read it."""
    shown = f"{value:%-d %b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(timespec="seconds"), shown)


def short(identity: str) -> str:
    """The beginning of an id, which is enough to tell ids apart by eye."""
    return identity[:8]


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number,
    "interval": interval,
    "share": share,
    "moment": moment,
    "short": short,
}
