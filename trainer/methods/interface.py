"""What a training method decides. What it leaves as it is here is plain PPO."""

from dataclasses import dataclass

import torch
from torch import Tensor

from saddlepoint.schemas.training_config import TrainingConfig
from trainer.adversary import Acting
from trainer.rollout import Rollout, Samples


@dataclass(frozen=True)
class Lesson:
    """One minibatch, as the network in training sees it."""

    samples: Samples
    head: Tensor
    """(B, K): the policy at `samples.observations`, differentiable."""
    advantages: Tensor
    """(B,): normalised."""
    clip: float
    """Annealed."""
    loss: Tensor
    """PPO's own, of policy, value and entropy."""
    acting: Acting
    """Of this update; its network is the one in training."""
    config: TrainingConfig


class Method:
    """Observations are encoded (`ActorCritic.encode`), (N, ...); what is returned has the same layout."""

    def act_on(self, observation: Tensor, acting: Acting) -> Tensor:
        """The observation that the policy acts on, is stored, and whose value is estimated."""
        return observation

    @torch.no_grad()
    def learn_from(self, rollout: Rollout, acting: Acting) -> Tensor:
        """The observations to learn from, (T, N, ...), once per rollout.

        Actions, their probabilities under the acting policy, advantages and targets stay the rollout's own.
        """
        return rollout.observations

    def loss(self, lesson: Lesson) -> Tensor:
        """What one gradient step lowers."""
        return lesson.loss
