"""Square attack (Andriushchenko et al. 2020): random search that sees the policy's outputs and no gradient."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from saddlepoint.attacks.ball import Ball, by_row
from saddlepoint.attacks.rows import Rows

FIRST_SHARE = 0.05
"""Of the entries, changed by the first queries; the paper's p for the l-inf ball."""
_HALVED_AT = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
"""Shares of the queries after which the share of entries is halved; the paper's schedule for 10,000 queries."""


def square_search(
    observation: Tensor,
    limits: Ball,
    rows: Rows,
    value: Callable[[Tensor], Tensor],
    streams: Sequence[np.random.Generator | None],
) -> Tensor:
    """The best point found for every row under the attack, within `limits`; other rows stay as they are.

    `value` scores a whole batch (N, *obs) -> (N,); what a row draws comes from its own stream, so that its result does
    not depend on its neighbours. Only corners of the ball are tried: every entry is at one limit or the other.
    """
    searching = [row for row, wanted in enumerate(rows.square.tolist()) if wanted]
    queries = {row: rows.attacks[row].steps for row in searching}
    best = observation.clone()
    for row in searching:
        best[row] = _first(limits, row, _stream(streams, row))
    best_value = value(best)
    for query in range(max(queries.values()) - 1):
        candidate = best.clone()
        for row in searching:
            if query < queries[row] - 1:
                _change_(candidate[row], limits, row, _share(query, queries[row]), _stream(streams, row))
        found = value(candidate)
        better = rows.square & (found > best_value)
        best = torch.where(by_row(better, best), candidate, best)
        best_value = torch.where(better, found, best_value)
    return best


def _share(query: int, queries: int) -> float:
    halvings = sum(query > at * queries for at in _HALVED_AT)
    return FIRST_SHARE * math.ldexp(1.0, -halvings)


def _first(limits: Ball, row: int, stream: np.random.Generator) -> Tensor:
    """Every entry at one of its limits; of pictures, columns of one sign a channel."""
    shape = limits.lower.shape[1:]
    drawn = (shape[0], 1, shape[2]) if len(shape) == 3 else tuple(shape)
    is_high = _coins(stream, drawn, limits).expand(shape)
    return torch.where(is_high, limits.upper[row], limits.lower[row])


def _change_(x: Tensor, limits: Ball, row: int, share: float, stream: np.random.Generator) -> None:
    """Put a random square of a picture, or random entries of a vector, to one limit or the other."""
    if x.dim() == 3:
        channels, height, width = x.shape
        side = max(1, min(round((share * height * width) ** 0.5), height, width))
        top, left = stream.integers(0, height - side + 1), stream.integers(0, width - side + 1)
        where: tuple[slice | Tensor, ...] = (slice(None), slice(top, top + side), slice(left, left + side))
        is_high = _coins(stream, (channels, 1, 1), limits)
    else:
        count = max(1, round(share * x.numel()))
        chosen = np.unravel_index(stream.choice(x.numel(), count, replace=False), tuple(x.shape))
        where = tuple(torch.from_numpy(axis.copy()) for axis in chosen)
        is_high = _coins(stream, (count,), limits)
    x[where] = torch.where(is_high, limits.upper[row][where], limits.lower[row][where])


def _coins(stream: np.random.Generator, shape: tuple[int, ...], limits: Ball) -> Tensor:
    return torch.from_numpy(stream.integers(0, 2, shape).astype(np.bool_)).to(limits.lower.device)


def _stream(streams: Sequence[np.random.Generator | None], row: int) -> np.random.Generator:
    stream = streams[row]
    if stream is None:
        raise ValueError("a row under a search needs random numbers of its own")
    return stream
