"""Policies small enough to attack by hand."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from saddlepoint.attacks.ball import Bounds
from saddlepoint.schemas.attacks import AttackKind, ResolvedAttack


@dataclass(frozen=True)
class ToyOutputs:
    head: Tensor
    states: tuple[Tensor, ...] = ()
    value: Tensor | None = None


@dataclass
class LinearPolicy:
    """logits = observation @ weights; the attack layout reverses the entries, so that forgetting it shows."""

    weights: Tensor
    """(D, A) float32."""
    calls: list[str] = field(default_factory=list)
    """`forward` or, where a gradient is to follow, `attack`."""
    dtype: torch.dtype = torch.float32

    def __call__(self, observation: Tensor) -> Tensor:
        """The logits."""
        return self._logits(observation)

    def to_attack_layout(self, observation: Tensor, /) -> Tensor:
        return observation.flip(-1)

    def from_attack_layout(self, arranged: Tensor, /) -> Tensor:
        return arranged.flip(-1)

    @property
    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return ()

    def forward_attack(
        self, arranged: Tensor, states: tuple[Tensor, ...] = (), *, with_value: bool = False
    ) -> ToyOutputs:
        """The value, where it is asked for, is the first entry of the observation."""
        self.calls.append("attack" if arranged.requires_grad else "forward")
        observation = arranged.flip(-1)
        return ToyOutputs(self._logits(observation), value=observation[:, 0] if with_value else None)

    def critic(self, arranged: Tensor, states: tuple[Tensor, ...] = (), /) -> None:
        return None

    def _logits(self, observation: Tensor) -> Tensor:
        return observation @ self.weights


class BentPolicy(LinearPolicy):
    """A nonlinear one: the logits of tanh features, so that the loss has more than one slope."""

    def _logits(self, observation: Tensor) -> Tensor:
        return torch.tanh(observation @ self.weights) @ self.weights[: self.weights.shape[1], :] * 3


def bent_policy(inputs: int = 6, actions: int = 4) -> BentPolicy:
    return BentPolicy(torch.randn(inputs, actions, generator=torch.Generator().manual_seed(0)))


def unbounded() -> Bounds:
    return Bounds(torch.tensor(-torch.inf), torch.tensor(torch.inf))


def attack(kind: AttackKind, epsilon: float = 0.5, steps: int = 7, step_size: float | None = None) -> ResolvedAttack:
    if kind == "none":
        return ResolvedAttack(kind="none")
    if kind == "random":
        return ResolvedAttack(kind="random", epsilon=epsilon)
    return ResolvedAttack(
        kind=kind, epsilon=epsilon, steps=steps, step_size=epsilon / 2 if step_size is None else step_size
    )


def draw(*shape: int, seed: int = 1) -> Tensor:
    """Uniform in [0, 1)."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))
