"""A policy in training as it was at one moment, to be attacked: `saddlepoint.attacks.network.AttackedNetwork`."""

from dataclasses import dataclass

import torch
from torch import Tensor

from saddlepoint.attacks.network import PullBack
from saddlepoint.policies.chains import Chain


@dataclass(frozen=True)
class Seen:
    """What a frozen policy answers."""

    head: Tensor
    states: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class FrozenPolicy:
    """`chain`: encoded observations, (N, ...) in `dtype`, to (N, K) float32. The encoding is the attack layout."""

    chain: Chain
    dtype: torch.dtype = torch.float32

    def to_attack_layout(self, observation: Tensor) -> Tensor:
        return observation

    def from_attack_layout(self, arranged: Tensor) -> Tensor:
        return arranged

    def forward_attack(self, arranged: Tensor) -> Seen:
        return Seen(self.chain(arranged.to(self.dtype)))

    def vjp(self, arranged: Tensor) -> tuple[Tensor, PullBack]:
        return self.chain.vjp(arranged.to(self.dtype))


@dataclass(frozen=True)
class Beside:
    """x (N, D) -> x and, beside it, the same numbers in every row: (N, 2 D)."""

    numbers: Tensor
    """(D,)"""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.numbers.expand_as(x)], dim=1)

    def backward(self, gradient: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return gradient[:, : x.shape[1]]
