"""SA-PPO (Zhang et al. 2020, Robust Deep RL against Adversarial Perturbations on State Observations, section 3.2).

PPO on clean states with a regulariser: the mean of max over the ball of KL(pi(.|s) || pi(.|x)). The maximum is sought
by PGD on the network in training, anew for every minibatch. The gradient passes through both policies, as in the
paper's R_PPO and in the authors' convex relaxation; their SGLD code holds pi(.|s) constant.
"""

from torch import Tensor

from trainer.methods.interface import Lesson, Method


class SaPpo(Method):
    """PPO's loss plus `kl_weight` (the paper's kappa) times the worst divergence found."""

    def loss(self, lesson: Lesson) -> Tensor:
        acting = lesson.acting
        worst = acting.adversary.perturb(
            acting.network.frozen(),
            lesson.samples.observations,
            acting.progress,
            acting.generator,
            objective="kl",
            numbers=lesson.numbers,
        )
        head, _ = acting.network(worst)
        divergence = acting.adversary.distribution.divergence(lesson.head, head)
        return lesson.loss + lesson.config.kl_weight * divergence.mean()
