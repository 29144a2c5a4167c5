"""Values as pages show them: as many digits as one reads, a true minus sign, moments that the browser makes local."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from markupsafe import Markup

from saddlepoint.marked import marked

NOTHING = "–"
_MINUS = "−"
_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


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


def count(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def size(value: int) -> str:
    """Bytes, in a unit that leaves few digits."""
    if value < 1000:
        return f"{value} bytes"
    return f"{value / 1e6:,.1f} MB" if value >= 1e6 else f"{value / 1e3:,.0f} kB"


def duration(seconds: float | None) -> str:
    """The two largest units at most: 45 s, 3 min, 2 h 10 min."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.0f} s"
    for index, (unit, name) in enumerate(_UNITS):
        if seconds >= unit:
            whole, rest = divmod(seconds, unit)
            smaller = _UNITS[index + 1] if index + 1 < len(_UNITS) else None
            parts = int(rest // smaller[0]) if smaller else 0
            return f"{whole:.0f} {name}" + (f" {parts} {smaller[1]}" if smaller and parts and whole < 10 else "")
    raise AssertionError("a minute or more fits a unit")


def moment(value: datetime) -> Markup:
    """A moment that a script turns into the reader's own time."""
    shown = f"{value:%-d %b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(timespec="seconds"), shown)


def short(identity: str) -> str:
    """The beginning of an id, which is enough to tell ids apart by eye."""
    return identity[:8]


def left(normalized: float) -> str:
    """How much of a score is left; below a random policy's it is nothing."""
    return f"{share(normalized)} left" if normalized > 0 else "nothing left"


def sentence(text: str) -> str:
    """With a full stop at its end."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def shape(value: tuple[int, ...]) -> str:
    return " × ".join(map(str, value)) or "one number"


def architecture(name: str) -> str:
    """`onnx` is what is none of those that have a name."""
    return {"nature-cnn": "Nature CNN", "mlp": "MLP", "onnx": "own graph"}.get(name, name)


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number,
    "interval": interval,
    "share": share,
    "count": count,
    "size": size,
    "duration": duration,
    "moment": moment,
    "short": short,
    "sentence": sentence,
    "shape": shape,
    "architecture": architecture,
    "left": left,
    "marked": marked,
}
