"""Which attack each row of a batch is under."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saddlepoint.schemas.attacks import Objective, ResolvedAttack, WhenRule

Masks = Mapping[Objective, Tensor]
"""For each objective present, which rows it is the objective of: (N,) bool."""


@dataclass(frozen=True)
class Rows:
    """One entry a row: epsilon and step size (N,) float32 in observation units, steps (N,) int64.

    A row without a ball (`none`, or an epsilon of 0) has epsilon 0; one that takes no PGD steps has steps 0.
    """

    attacks: tuple[ResolvedAttack, ...]
    epsilon: Tensor
    step_size: Tensor
    steps: Tensor
    has_critic: bool = False
    """Whether the values of actions are known, by which the worst of a set is then told."""

    @classmethod
    def of(cls, attacks: Sequence[ResolvedAttack], device: torch.device | str = "cpu") -> "Rows":
        """Epsilons are rounded down to float32, so that no float32 perturbation in the ball exceeds what was asked."""
        moves = [attack.uses_gradient and attack.epsilon > 0 for attack in attacks]
        return cls(
            attacks=tuple(attacks),
            epsilon=torch.tensor([_epsilon(attack) for attack in attacks], dtype=torch.float32, device=device),
            step_size=torch.tensor([attack.step_size for attack in attacks], dtype=torch.float32, device=device),
            steps=torch.tensor([a.steps if move else 0 for a, move in zip(attacks, moves, strict=True)], device=device),
        )

    def __len__(self) -> int:
        return len(self.attacks)

    def only(self, acting: Tensor) -> "Rows":
        """The same rows with the attacks of those outside `acting` (N,) bool left out."""
        return self if bool(acting.all()) else replace(self, epsilon=self.epsilon * acting, steps=self.steps * acting)

    @cached_property
    def most_steps(self) -> int:
        """Of any row; 0 where no row needs a gradient."""
        return int(self.steps.max())

    @cached_property
    def schedule(self) -> list[tuple[Tensor, Tensor]]:
        """For each step which rows take it, (N,) bool, and how far, (N,) float32."""
        active = [self.steps > step for step in range(self.most_steps)]
        return [(rows, self.step_size * rows) for rows in active]

    @cached_property
    def uses_noise(self) -> bool:
        """Whether any row has a ball to start in."""
        return bool((self.epsilon > 0).any())

    @cached_property
    def in_a_ball(self) -> NDArray[np.bool_]:
        """(N,): the rows that are perturbed at all."""
        return _on_the_host(self.epsilon > 0)

    @cached_property
    def climbs(self) -> NDArray[np.bool_]:
        """(N,): the rows that take gradient steps."""
        return _on_the_host(self.steps > 0)

    @cached_property
    def rules(self) -> list[WhenRule]:
        """When each row is attacked; none where all are at every step."""
        rules = [attack.when for attack in self.attacks]
        return rules if any(rule.kind != "always" for rule in rules) else []

    @cached_property
    def tries(self) -> int:
        """How often the row with the most tries starts anew: restarts, and the members of a worst of a set."""
        return max((len(attack.objectives) for attack in self.attacks if attack.uses_gradient), default=1)

    def has_try(self, number: int) -> Tensor:
        """(N,) bool: the rows that start at least `number` + 1 times."""
        return self._where(lambda attack: len(attack.objectives) > number)

    def objectives_of_try(self, number: int) -> Masks:
        """What the rows climb in a try; a row with fewer tries repeats its last."""
        return self._objectives[number]

    @cached_property
    def _objectives(self) -> list[Masks]:
        climbed = [attack.objectives or ("ce",) for attack in self.attacks]
        last = [len(objectives) - 1 for objectives in climbed]
        return [
            self._masks([own[min(number, end)] for own, end in zip(climbed, last, strict=True)])
            for number in range(self.tries)
        ]

    @cached_property
    def measured(self) -> Masks:
        """By which loss each row is reported."""
        by_value = self.has_critic
        return self._masks(
            ["value" if by_value and attack.kind == "worst" else attack.measured_by for attack in self.attacks]
        )

    @cached_property
    def asks_critic(self) -> bool:
        """Whether a row raises a loss that is about the values of actions, or could be told by it."""
        return any(attack.kind == "worst" or "value" in attack.objectives for attack in self.attacks)

    @cached_property
    def in_l2(self) -> Tensor:
        return self._where(lambda attack: attack.norm == "l2")

    @cached_property
    def unclipped(self) -> Tensor:
        return self._where(lambda attack: not attack.clip)

    @cached_property
    def quantized(self) -> Tensor:
        return self._where(lambda attack: attack.quantize)

    @cached_property
    def frame_consistent(self) -> Tensor:
        return self._where(lambda attack: attack.frame_consistent)

    @cached_property
    def single_step(self) -> Tensor:
        """FGSM, which starts at the clean observation."""
        return self._where(lambda attack: attack.kind == "fgsm")

    @cached_property
    def square(self) -> Tensor:
        return self._where(lambda attack: attack.kind == "square" and attack.epsilon > 0)

    def _where(self, condition: Callable[[ResolvedAttack], bool]) -> Tensor:
        return torch.tensor([condition(attack) for attack in self.attacks], device=self.steps.device)

    def _masks(self, objectives: Sequence[Objective]) -> Masks:
        codes = {kind: code for code, kind in enumerate(sorted(set(objectives)))}
        of_row = torch.tensor([codes[kind] for kind in objectives], device=self.steps.device)
        return {kind: of_row == code for kind, code in codes.items()}


def uniform_rows(attack: ResolvedAttack, count: int, device: torch.device | str = "cpu") -> Rows:
    """A batch whose rows are all under one attack."""
    return Rows.of([attack] * count, device)


def _on_the_host(mask: Tensor) -> NDArray[np.bool_]:
    host: NDArray[np.bool_] = mask.cpu().numpy()
    return host


def _epsilon(attack: ResolvedAttack) -> float:
    if attack.kind == "none":
        return 0.0
    nearest = np.float32(attack.epsilon)
    return float(nearest if float(nearest) <= attack.epsilon else np.nextafter(nearest, np.float32(0)))
