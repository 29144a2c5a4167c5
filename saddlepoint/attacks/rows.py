"""Which attack each row of a batch is under."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from saddlepoint.schemas.attacks import AttackKind, ResolvedAttack


@dataclass(frozen=True)
class Rows:
    """One entry a row: kind, epsilon and step size (N,) float32 in observation units, steps (N,) int64.

    A row without a ball (`none`, or an epsilon of 0) has epsilon 0; one that takes no PGD steps has steps 0.
    """

    kinds: tuple[AttackKind, ...]
    epsilon: Tensor
    step_size: Tensor
    steps: Tensor

    @classmethod
    def of(cls, attacks: Sequence[ResolvedAttack], device: torch.device | str = "cpu") -> "Rows":
        """Epsilons are rounded down to float32, so that no float32 perturbation in the ball exceeds what was asked."""
        moves = [attack.uses_gradient and attack.epsilon > 0 for attack in attacks]
        return cls(
            kinds=tuple(attack.kind for attack in attacks),
            epsilon=torch.tensor([_epsilon(attack) for attack in attacks], dtype=torch.float32, device=device),
            step_size=torch.tensor([attack.step_size for attack in attacks], dtype=torch.float32, device=device),
            steps=torch.tensor([a.steps if move else 0 for a, move in zip(attacks, moves, strict=True)], device=device),
        )

    def __len__(self) -> int:
        return len(self.kinds)

    @cached_property
    def most_steps(self) -> int:
        """Of any row; 0 where no row needs a gradient."""
        return int(self.steps.max())

    @cached_property
    def masks(self) -> dict[AttackKind, Tensor]:
        """For each kind present, which rows are under it: (N,) bool."""
        codes = {kind: code for code, kind in enumerate(sorted(set(self.kinds)))}
        of_row = torch.tensor([codes[kind] for kind in self.kinds], device=self.steps.device)
        return {kind: of_row == code for kind, code in codes.items()}

    @cached_property
    def uses_noise(self) -> bool:
        """Whether any row has a ball to start in."""
        return bool((self.epsilon > 0).any())


def uniform_rows(attack: ResolvedAttack, count: int, device: torch.device | str = "cpu") -> Rows:
    """A batch whose rows are all under one attack."""
    return Rows.of([attack] * count, device)


def _epsilon(attack: ResolvedAttack) -> float:
    if attack.kind == "none":
        return 0.0
    nearest = np.float32(attack.epsilon)
    return float(nearest if float(nearest) <= attack.epsilon else np.nextafter(nearest, np.float32(0)))
