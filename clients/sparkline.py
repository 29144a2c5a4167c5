"""A curve in a line of text."""

from collections.abc import Sequence
from itertools import pairwise

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """`values` as at most `width` bars between their lowest and their highest; neighbours share a bar by their mean."""
    columns = min(width, len(values))
    edges = [index * len(values) // columns for index in range(columns + 1)] if columns else [0]
    means = [sum(values[start:end]) / (end - start) for start, end in pairwise(edges)]
    if not means:
        return ""
    low, span = min(means), max(means) - min(means)
    return "".join(_BARS[round((mean - low) / span * (len(_BARS) - 1)) if span else 0] for mean in means)
