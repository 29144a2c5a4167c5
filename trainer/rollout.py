"""What was played between two updates, and the samples that are learned from."""

from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Rollout:
    """T steps of N actors; (T, N) float32 unless said otherwise."""

    observations: Tensor
    """(T, N, ...) as acted on and encoded: as they were given, or perturbed, in the dtype that the network casts to."""
    actions: Tensor
    """As sampled: int64 or, where they are numbers, (T, N, D)."""
    log_probabilities: Tensor
    """Of the actions, under the policy that chose them."""
    values: Tensor
    """Of the observations that were acted on."""
    rewards: Tensor
    """As learned from: clipped where the configuration says so, with the value after a cut episode where it says so."""
    ended: Tensor
    """1 where the step ended the learner's episode."""
    last_value: Tensor
    """(N,): of the states after the last step."""


@dataclass(frozen=True)
class Samples:
    """B steps in any order, (B,) float32 unless said otherwise."""

    observations: Tensor
    """(B, ...) to learn from."""
    actions: Tensor
    """As sampled: int64 or, where they are numbers, (B, D)."""
    log_probabilities: Tensor
    values: Tensor
    advantages: Tensor
    targets: Tensor
    """Of the value."""

    @classmethod
    def of(cls, rollout: Rollout, advantages: Tensor) -> Self:
        """All steps of a rollout, with (T, N) advantages."""
        parts = (rollout.observations, rollout.actions, rollout.log_probabilities, rollout.values, advantages)
        return cls(*(part.flatten(0, 1) for part in (*parts, advantages + rollout.values)))

    def __len__(self) -> int:
        return len(self.actions)

    def __getitem__(self, rows: Tensor) -> Self:
        """The samples of these indices."""
        return type(self)(**{field.name: getattr(self, field.name).index_select(0, rows) for field in fields(self)})

    def observed_as(self, dtype: torch.dtype) -> Self:
        """The same with observations of this type."""
        return replace(self, observations=self.observations.to(dtype))
