"""A policy in training as it was at one moment, to be attacked: `saddlepoint.attacks.network.AttackedNetwork`."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Seen:
    """What a frozen policy answers."""

    head: Tensor
    states: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class FrozenPolicy:
    """`head_of`: encoded observations, (N, ...) in `dtype`, to (N, K) float32. The encoding is the attack layout."""

    head_of: Callable[[Tensor], Tensor]
    dtype: torch.dtype = torch.float32

    def to_attack_layout(self, observation: Tensor) -> Tensor:
        return observation

    def from_attack_layout(self, arranged: Tensor) -> Tensor:
        return arranged

    def forward_attack(self, arranged: Tensor) -> Seen:
        return Seen(self.head_of(arranged.to(self.dtype)))
