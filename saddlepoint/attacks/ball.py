"""The set a perturbed observation may lie in: the l-inf or l2 ball, cut at the observation's bounds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from saddlepoint.schemas.environments import BoxSpace

INSIDE_L2 = 1 - 1e-6
"""Of a radius: keeps what is moved to the surface, in float32, from lying beyond it."""


@dataclass(frozen=True)
class Bounds:
    """The bounds of an observation, float32, each broadcasting against (*obs); infinite where there is none."""

    low: Tensor
    high: Tensor
    scale: Tensor | None = None
    """(*obs): what an epsilon of 1 means in each entry, in observation units; None for 1 everywhere."""

    @classmethod
    def of(
        cls, space: BoxSpace, device: torch.device | str = "cpu", *, scale: Sequence[float] | None = None
    ) -> "Bounds":
        return cls(
            _bound(space.low, -math.inf, space.shape, device),
            _bound(space.high, math.inf, space.shape, device),
            None if scale is None else torch.tensor(scale, dtype=torch.float32, device=device).reshape(space.shape),
        )


@dataclass(frozen=True)
class L2:
    """The rows whose ball is round: `of_row` (N,) bool, around `centre` (N, *obs) with `radius` (N,)."""

    of_row: Tensor
    centre: Tensor
    radius: Tensor
    scale: Tensor | None

    def project_(self, x: Tensor) -> None:
        """The nearest point of the ball, each row by itself, in place; what is inside stays as it is."""
        rows = self.of_row
        own, centre, radius = x[rows], self.centre[rows], self.radius[rows]
        norm = self._norms(own - centre)
        outside = norm > radius
        if not outside.any():
            return
        shrink = (radius / norm.clamp_min(1e-30)).float() * INSIDE_L2
        nearest = self._moved(centre, (own - centre) * by_row(shrink, own), radius)
        x[rows] = torch.where(by_row(outside, own), nearest, own)

    def start(self, x: Tensor, noise: Tensor, share: Tensor) -> Tensor:
        """`x` with the round rows uniform in their balls, each shrunk to `share` (N,) of its radius.

        `noise` is uniform in [0, 1), shaped like `x`.

        A Gaussian direction; the norm of the Gaussian itself, which is independent of it, gives the distance.
        """
        rows = self.of_row
        gaussian = torch.erfinv((noise[rows].double() * 2 - 1).clamp(-1 + 1e-7, 1 - 1e-7)) * math.sqrt(2)
        count = gaussian[0].numel()
        norm = norms(gaussian)
        inside = torch.special.gammainc(torch.full_like(norm, count / 2), norm.square() / 2) ** (1 / count)
        distance = self.radius[rows] * share[rows] * inside / norm.clamp_min(1e-30)
        x = x.clone()
        x[rows] = self.centre[rows] + self._in_entries((gaussian * by_row(distance, gaussian)).float())
        return x

    def direct_(self, direction: Tensor, gradient: Tensor) -> None:
        """Put the unit vectors along the gradient into the round rows of `direction`."""
        rows = self.of_row
        steepest = self._in_entries(gradient[rows])
        direction[rows] = steepest / by_row(norms(steepest).clamp_min(1e-30), steepest)

    def _moved(self, centre: Tensor, delta: Tensor, radius: Tensor) -> Tensor:
        """centre + delta, rounded towards the centre in the rows that rounding to the nearest puts outside.

        Many entries far from 0 with a small share of the radius each: its error then counts.
        """
        moved = centre + delta
        outside = self._norms(moved - centre) > radius
        if not outside.any():
            return moved
        farther = by_row(outside, moved) & ((moved - centre).abs() > delta.abs())
        return torch.where(farther, torch.nextafter(moved, centre), moved)

    def _norms(self, delta: Tensor) -> Tensor:
        """(N,) float64, in units of epsilon."""
        return norms((delta if self.scale is None else delta / self.scale).double())

    def _in_entries(self, delta: Tensor) -> Tensor:
        return delta if self.scale is None else delta * self.scale


@dataclass(frozen=True)
class Ball:
    """Entrywise limits of each row, shaped like the observations they are around; some rows are round as well."""

    lower: Tensor
    upper: Tensor
    l2: L2 | None = None

    @classmethod
    def around(
        cls, observation: Tensor, epsilon: Tensor, low: Tensor, high: Tensor, scale: Tensor | None = None
    ) -> "Ball":
        """The l-inf ball of radius `epsilon` (N,) around each row, within bounds widened to contain the row itself.

        s + epsilon is rounded, and may come to lie one float32 too far out. Such a limit is moved one float32 towards
        s, which puts it at or inside the true one; rounding is monotone, so |x - s| computed in float32 is then at most
        epsilon for every x between the limits, exactly.
        """
        radius = by_row(epsilon, observation)
        if scale is not None:
            radius = radius * scale
        lower, upper = observation - radius, observation + radius
        lower = _towards(lower, observation, observation - lower, radius)
        upper = _towards(upper, observation, upper - observation, radius)
        torch.clamp(lower, low, observation, out=lower)
        # Not `clamp`, whose upper limit wins where the two cross.
        torch.maximum(torch.minimum(upper, high, out=upper), observation, out=upper)
        return cls(lower, upper)

    def clip_(self, x: Tensor) -> Tensor:
        """The point of the ball nearest to `x`, in place."""
        if self.l2 is not None:
            self.l2.project_(x)
        return torch.clamp(x, self.lower, self.upper, out=x)


def uniform_start(observation: Tensor, radius: Tensor, noise: Tensor, ball: Ball, share: Tensor) -> Tensor:
    """A point uniform in the ball shrunk to `share` (N,) of its radius, then clipped to the bounds.

    `radius` is that of the whole ball and broadcasts against the rows; `noise` is uniform in [0, 1), shaped like them.
    """
    span = torch.add(noise.new_tensor(-1.0), noise, alpha=2)
    x = torch.addcmul(observation, span, radius * by_row(share, observation), out=span)
    if ball.l2 is not None:
        x = ball.l2.start(x, noise, share)
    return ball.clip_(x)


def by_row(values: Tensor, like: Tensor) -> Tensor:
    """(N,) as (N, 1, ..., 1), to broadcast over the entries of each row."""
    return values.reshape(-1, *[1] * (like.dim() - 1))


def entries(x: Tensor) -> tuple[int, ...]:
    """All axes but the first."""
    return tuple(range(1, x.dim()))


def norms(x: Tensor) -> Tensor:
    """(N,): the l2 norm of each row."""
    norm: Tensor = torch.linalg.vector_norm(x, dim=entries(x))
    return norm


def _towards(limit: Tensor, centre: Tensor, distance: Tensor, radius: Tensor) -> Tensor:
    """`limit`, one float32 nearer to `centre` where its `distance` from it, computed in float32, exceeds `radius`."""
    if (distance.amax(entries(distance), keepdim=True) <= radius).all():  # as of pixels, at most epsilons
        return limit
    return torch.where(distance > radius, torch.nextafter(limit, centre), limit)


def _bound(
    value: float | Sequence[float | None] | None, missing: float, shape: tuple[int, ...], device: torch.device | str
) -> Tensor:
    if value is None or isinstance(value, int | float):
        return torch.tensor(missing if value is None else value, dtype=torch.float32, device=device)
    flat = [missing if entry is None else entry for entry in value]
    return torch.tensor(flat, dtype=torch.float32, device=device).reshape(shape)
