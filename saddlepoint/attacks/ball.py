"""The set a perturbed observation may lie in: the l-inf ball, cut at the observation's bounds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from saddlepoint.schemas.environments import BoxSpace


@dataclass(frozen=True)
class Bounds:
    """The bounds of an observation, float32, each broadcasting against (*obs); infinite where there is none."""

    low: Tensor
    high: Tensor

    @classmethod
    def of(cls, space: BoxSpace, device: torch.device | str = "cpu") -> "Bounds":
        return cls(_bound(space.low, -math.inf, space.shape, device), _bound(space.high, math.inf, space.shape, device))


@dataclass(frozen=True)
class Ball:
    """Entrywise limits of each row, shaped like the observations they are around."""

    lower: Tensor
    upper: Tensor

    @classmethod
    def around(cls, observation: Tensor, epsilon: Tensor, low: Tensor, high: Tensor) -> "Ball":
        """The ball of radius `epsilon` (N,) around each row, within bounds widened to contain the row itself.

        s + epsilon is rounded, and may come to lie one float32 too far out. Such a limit is moved one float32 towards
        s, which puts it at or inside the true one; rounding is monotone, so |x - s| computed in float32 is then at most
        epsilon for every x between the limits, exactly.
        """
        radius = by_row(epsilon, observation)
        lower = _towards(observation - radius, observation, radius)
        upper = _towards(observation + radius, observation, radius)
        return cls(
            lower=torch.maximum(lower, torch.minimum(low, observation)),
            upper=torch.minimum(upper, torch.maximum(high, observation)),
        )

    def clip_(self, x: Tensor) -> Tensor:
        """The point of the ball nearest to `x`, in place."""
        return torch.clamp(x, self.lower, self.upper, out=x)


def uniform_start(observation: Tensor, epsilon: Tensor, noise: Tensor, ball: Ball) -> Tensor:
    """A point uniform in the ball, then clipped to the bounds; `noise` is uniform in [0, 1), shaped like the rows."""
    return ball.clip_(torch.addcmul(observation, noise * 2 - 1, by_row(epsilon, observation)))


def by_row(values: Tensor, like: Tensor) -> Tensor:
    """(N,) as (N, 1, ..., 1), to broadcast over the entries of each row."""
    return values.reshape(-1, *[1] * (like.dim() - 1))


def _towards(limit: Tensor, centre: Tensor, radius: Tensor) -> Tensor:
    """`limit`, one float32 nearer to `centre` where it lies farther than `radius` from it."""
    too_far = (limit - centre).abs_().sub_(radius)
    if too_far.amax() <= 0:  # pixels always: whole numbers are exact, and the next line is slow
        return limit
    return torch.where(too_far > 0, torch.nextafter(limit, centre), limit)


def _bound(
    value: float | Sequence[float | None] | None, missing: float, shape: tuple[int, ...], device: torch.device | str
) -> Tensor:
    if value is None or isinstance(value, int | float):
        return torch.tensor(missing if value is None else value, dtype=torch.float32, device=device)
    flat = [missing if entry is None else entry for entry in value]
    return torch.tensor(flat, dtype=torch.float32, device=device).reshape(shape)
