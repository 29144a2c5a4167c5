"""RADIAL-PPO (Oikarinen et al. 2021, Robust Deep RL through Adversarial Loss): PPO and its worst case in the ball.

Interval bounds give the lowest and the highest probability that the action taken may have in the ball, and so the
worst clipped surrogate; it is mixed with the plain one. Here differences of logits are bounded,
which is tighter than the authors' bounds of each logit. Value and entropy stay those of the clean states.
"""

import torch
from torch import Tensor

from saddlepoint.errors import UnsupportedArchitecture
from trainer.distributions import Categorical, Distribution
from trainer.interval_bounds import Interval, check_boundable, log_probability_bounds
from trainer.losses import policy_loss
from trainer.methods.interface import Lesson, Method
from trainer.network import ActorCritic


class Radial(Method):
    """`worst_case_share` of the policy loss is the worst that the bounds allow."""

    def check(self, network: ActorCritic, distribution: Distribution) -> None:
        check_boundable(network)
        if not isinstance(distribution, Categorical):
            raise UnsupportedArchitecture(
                "radial bounds the logits of a choice among actions, and here an action is a number "
                f"({type(distribution).__name__}). Choose another method, such as sa_ppo."
            )

    def loss(self, lesson: Lesson) -> Tensor:
        share, samples, acting = lesson.config.worst_case_share, lesson.samples, lesson.acting
        ball = acting.adversary.ball(samples.observations, acting.progress)
        box = Interval.between(ball.lower, ball.upper)
        lowest, highest = log_probability_bounds(acting.network, box, samples.actions)
        # The surrogate rises with the ratio where the advantage is positive and falls where it is negative.
        worst = torch.where(lesson.advantages >= 0, lowest, highest) - samples.log_probabilities
        return lesson.loss + share * (policy_loss(worst, lesson.advantages, lesson.clip) - lesson.policy_loss)
