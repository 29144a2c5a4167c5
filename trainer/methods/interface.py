"""What a training method decides. What it leaves as it is here is plain PPO."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from saddlepoint.schemas.training_config import TrainingConfig
from trainer.adversary import Acting
from trainer.distributions import Distribution
from trainer.network import ActorCritic
from trainer.rollout import Rollout, Samples


@dataclass(frozen=True)
class Lesson:
    """One minibatch, as the network in training sees it."""

    samples: Samples
    """Those of this process, of which every minibatch that is learned from has some."""
    numbers: Tensor
    """(B,) int64: of these samples among those of the whole minibatch."""
    head: Tensor
    """(B, K): the policy at `samples.observations`, differentiable."""
    advantages: Tensor
    """(B,): normalised, in the whole minibatch."""
    clip: float
    """Annealed."""
    policy_loss: Tensor
    """The clipped surrogate, negated: part of `loss`."""
    loss: Tensor
    """PPO's own, of policy, value and entropy."""
    acting: Acting
    """Of this update; its network is the one in training."""
    config: TrainingConfig


class Method:
    """Observations are encoded (`ActorCritic.encode`), (N, ...); what is returned has the same layout."""

    begins: ClassVar[float] = 0.0
    """Share of the training before the adversary's first attack."""

    def check(self, network: ActorCritic, distribution: Distribution) -> None:
        """Raise UnsupportedArchitecture where the method cannot train this network."""

    def act_on(self, observation: Tensor, acting: Acting) -> Tensor:
        """The observation that the policy acts on, is stored, and whose value is estimated."""
        return observation

    @torch.no_grad()
    def learn_from(self, rollout: Rollout, acting: Acting, config: TrainingConfig) -> Rollout:
        """What to learn from, once per rollout: the same steps, seen and weighed as the method wants them.

        Its `log_probabilities` are the denominators of the ratio. What advantages and targets are made of stays.
        """
        return rollout

    def loss(self, lesson: Lesson) -> Tensor:
        """What one gradient step lowers."""
        return lesson.loss
