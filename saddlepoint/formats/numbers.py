"""Numbers as a reader of a report sees them: aligned, with a true minus sign, never more digits than they carry."""

import math
import re
from collections.abc import Iterable

from saddlepoint.schemas.environments import atari_game

MINUS = "−"
NOTHING = "–"


def decimals_for(values: Iterable[float]) -> int:
    """Decimals, 0 to 6, that give the largest of `values` at least three digits, so that a column lines up."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest == 0.0:
        return 1
    magnitude = math.floor(math.log10(largest))
    return min(6, max(0, 3 - magnitude if magnitude >= 1 else 2 - magnitude))


def number(value: float | None, decimals: int) -> str:
    """`value` with a fixed count of decimals; a dash where there is none."""
    if value is None:
        return NOTHING
    text = f"{abs(value):,.{decimals}f}"
    negative = value < 0 and any(digit in text for digit in "123456789")
    return MINUS + text if negative else text


def signed(value: float | None, decimals: int) -> str:
    """Like `number`, with a plus sign before what is above zero: for differences."""
    text = number(value, decimals)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.,") else text


def interval(bounds: tuple[float, float] | None, decimals: int) -> str:
    """An interval in brackets, empty where there is none."""
    return "" if bounds is None else f"[{number(bounds[0], decimals)}, {number(bounds[1], decimals)}]"


def share(value: float | None) -> str:
    """A fraction in percent; what is not quite none or all does not read as if it were."""
    if value is None:
        return NOTHING
    if 0 < value < 0.0005:
        return "<0.1%"
    if 0.9995 <= value < 1:
        return ">99.9%"
    return f"{number(100 * value, 0 if value in (0, 1) else 1)}%"


def plain(value: float) -> str:
    """A setting as somebody would type it: 4, 0.5, 1e-05."""
    return f"{value:g}".replace("-", MINUS, 1) if value < 0 else f"{value:g}"


def significant(value: float) -> str:
    """Three digits of something that was interpolated."""
    return plain(float(f"{value:.3g}"))


def sentence(text: str) -> str:
    """A capital first and a full stop last, for notes that come in either way."""
    text = text.strip()
    return text and text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def typeset(text: str) -> str:
    """A sentence with true minus signs; verdicts are kept in ASCII, which every terminal shows."""
    return re.sub(r"(?<![\w.])-(?=\d)", MINUS, sentence(text))


def epsilon_units(env_id: str) -> str:
    """What an epsilon in this environment is a number of."""
    return "pixel values, 0 to 255" if atari_game(env_id) else "the observation's own units"
