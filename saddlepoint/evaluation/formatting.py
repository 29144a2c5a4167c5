"""Numbers and ticks as the report's pages and figures show them."""

import math

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
