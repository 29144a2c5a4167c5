"""The parts of a step of PGD that pass over the whole batch."""

from collections.abc import Iterator

from torch import Tensor

from saddlepoint.attacks.ball import Ball, by_row, entries


def ascend_(
    x: Tensor, gradient: Tensor, step_size: Tensor, ball: Ball, scale: Tensor | None = None, *, scratch: Tensor
) -> None:
    """x <- Proj(x + step_size * direction) in place: the signs of the gradient, in a round ball its unit vector.

    `gradient` is shaped like `x` and of any precision, `step_size` is (N,), `scratch` like `x` in every way; NaN counts
    as 0, and `scale` (*obs) is the unit of a step in each entry.
    """
    direction = scratch.copy_(gradient).sign_()
    if ball.l2 is not None:
        ball.l2.direct_(direction, gradient.to(x.dtype).nan_to_num(0.0))
    if scale is not None:
        direction.mul_(scale)
    ball.clip_(x.addcmul_(direction, by_row(step_size, x)))


def zero_rows(gradient: Tensor) -> Tensor:
    """(N,) bool: which rows are 0 or NaN everywhere. The middle of each picture settles nearly all of them."""
    for part in _middles(gradient):
        unsettled = ~(part.abs().amax(entries(part)) > 0)
        if not unsettled.any():
            return unsettled
    return ~(gradient.abs() > 0).any(entries(gradient))


def _middles(pictures: Tensor) -> Iterator[Tensor]:
    """Of (N, C, H, W) the pixel in the middle, then the line; of (N, H, W) that line."""
    if pictures.dim() < 3:
        return
    line = pictures.select(-2, pictures.shape[-2] // 2)
    if line.dim() > 2:
        yield line.select(-1, line.shape[-1] // 2)
    yield line
