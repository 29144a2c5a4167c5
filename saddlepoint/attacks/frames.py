"""Perturbations that belong to frames: made once, when a frame is new, and carried through the stack with it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from saddlepoint.attacks.ball import Ball


@dataclass(frozen=True)
class Frames:
    """Of stacks (N, frames, rows, columns), the newest last: what the older frames already carry."""

    of_row: Tensor
    """(N,) bool: the rows that are attacked in this way."""
    carried: Tensor
    """(N, frames, rows, columns): the perturbation of each frame; that of the newest is still to be found."""
    tied: Tensor
    """(N, frames) bool: older frames that are the newest one repeated (after a reset), and get what it gets."""

    def limit(self, observation: Tensor, ball: Ball) -> Ball:
        """The ball with the older frames held at what they carry; in the layout of observations."""
        held = torch.clamp(observation + self.carried, ball.lower, ball.upper)
        held = torch.where(self._spread(self.tied), observation, held)
        is_old = torch.ones_like(self.tied)
        is_old[:, -1] = False
        fixed = self._spread(is_old & self.of_row.unsqueeze(1))
        return Ball(torch.where(fixed, held, ball.lower), torch.where(fixed, held, ball.upper))

    def tie(self, x: Tensor) -> Tensor:
        """`x` with the tied frames as the newest one."""
        together = self._spread(self.tied & self.of_row.unsqueeze(1))
        return torch.where(together, x[:, -1:], x)

    def _spread(self, mask: Tensor) -> Tensor:
        return mask[:, :, None, None]


def carry(delta: Tensor) -> Tensor:
    """What the frames of the next stack carry: each moves one place towards the oldest."""
    return torch.cat([delta[:, 1:], torch.zeros_like(delta[:, :1])], dim=1)


def tied_to_newest(stack: Tensor) -> Tensor:
    """(N, frames) bool: the frames without a gap before the newest that are equal to it."""
    equal = (stack == stack[:, -1:]).flatten(2).all(dim=2)
    unbroken = equal.flip(1).int().cumprod(dim=1).flip(1).bool()
    unbroken[:, -1] = False
    return unbroken
