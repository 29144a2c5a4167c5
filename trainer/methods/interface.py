"""What a training method decides: which observation is acted on, and which is learned from."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from trainer.network import ActorCritic
from trainer.rollout import Rollout


@dataclass(frozen=True)
class Acting:
    """What a method may use: the collecting policy, its randomness, and how far the training has come."""

    network: ActorCritic
    generator: torch.Generator
    progress: float
    """(u - 1) / U: 0 in the first update, never 1."""


class Method(Protocol):
    """Observations are encoded (`ActorCritic.encode`), (N, ...); what is returned has the same layout."""

    def act_on(self, observation: Tensor, acting: Acting) -> Tensor:
        """The observation that the policy acts on, is stored, and whose value is estimated."""

    def learn_from(self, rollout: Rollout, acting: Acting) -> Tensor:
        """The observations to learn from, (T, N, ...), once per rollout.

        Actions, their probabilities under the acting policy, advantages and targets stay the rollout's own.
        """
