"""Numbers and ticks as the report's pages and figures show them."""

import math
from itertools import pairwise

from saddlepoint.formats.numbers import (
    MINUS,
    NOTHING,
    decimals_for,
    epsilon_units,
    interval,
    number,
    plain,
    sentence,
    share,
    signed,
    significant,
    typeset,
)

__all__ = [
    "MINUS",
    "NOTHING",
    "decimals_for",
    "duration",
    "epsilon_units",
    "interval",
    "nice_ticks",
    "number",
    "plain",
    "sentence",
    "share",
    "signed",
    "significant",
    "tick_decimals",
    "typeset",
]
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def duration(seconds: float) -> str:
    """A time in its two largest units: 45 s, 3 min 20 s, 2 h 5 min, 3 d 4 h."""
    whole = round(seconds)
    for (unit, size), (smaller, fraction) in pairwise(_UNITS):
        if whole >= size:
            rest = whole % size // fraction
            return f"{whole // size} {unit} {rest} {smaller}" if rest else f"{whole // size} {unit}"
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{whole} s"


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers (1, 2, 2.5 or 5 times a power of ten) between `low` and `high`, about `count` of them."""
    rough = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def tick_decimals(ticks: list[float]) -> int:
    """The fewest decimals that keep neighbouring ticks apart and exact."""
    for decimals in range(7):
        if all(math.isclose(round(tick, decimals), tick, abs_tol=1e-12) for tick in ticks):
            return decimals
    return 6
