"""What an attack needs of a policy's network; `saddlepoint.policies.network.PolicyNetwork` is one."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

PullBack = Callable[[Tensor], Tensor]
"""The gradient of a head, (N, K), to that of the observations, as precise as the network is."""


class Answer(Protocol):
    """What a policy says of N observations."""

    @property
    def head(self) -> Tensor:
        """(N, K) float32."""

    @property
    def states(self) -> tuple[Tensor, ...]:
        """What a recurrent policy carries on."""


class Critic(Protocol):
    """What a policy's file says that actions are worth at N clean observations; all but the actions is settled."""

    @property
    def values(self) -> Tensor:
        """(N, A): Q(s, a) of each action of a choice, without a gradient."""

    def value_of(self, action: Tensor, /) -> Tensor:
        """(N,): Q(s, a) of actions of numbers (N, D) in -1..1, as a tanh gives them, differentiable in them."""


class AttackedNetwork(Protocol):
    """A differentiable policy with frozen weights, on observations in the environment's own units.

    It may compute fastest on another arrangement of an observation's entries (its attack layout); everything is then
    computed in that arrangement. Both maps only permute entries, each row for itself.
    """

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in. `forward_attack` casts its argument to it before anything else."""

    def to_attack_layout(self, observation: Tensor, /) -> Tensor:
        """(N, *obs) float32 -> (N, *layout) float32."""

    def from_attack_layout(self, arranged: Tensor, /) -> Tensor:
        """The inverse."""

    def forward_attack(self, arranged: Tensor, /) -> Answer:
        """(N, *layout) float32, differentiable in its argument."""


@runtime_checkable
class WrittenOut(Protocol):
    """A network that knows the derivative of its outputs without automatic differentiation, which takes longer."""

    def vjp(self, arranged: Tensor, /) -> tuple[Tensor, PullBack] | None:
        """The head (N, K) float32 at (N, *layout), and what takes a gradient of it back to there.

        None where this policy needs automatic differentiation after all.
        """
