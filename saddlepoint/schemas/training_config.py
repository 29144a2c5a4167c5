"""How PPO trains: one field a choice, with the ATPA paper's Table 2 and OpenAI baselines as defaults."""

from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, model_validator

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.attacks import check_radii
from saddlepoint.schemas.base import Schema


class TrainingConfig(Schema):
    """The numbers of one training. A step is an agent step: one action, four frames of an Atari game."""

    steps: int = Field(default=100_000_000, ge=1)
    """Steps of the whole training, over all actors; the schedules run down over exactly these."""
    stop_at_return: float | None = None
    """End before that, once the mean raw score of the acting policy's last 100 games, all of them finished, is this."""
    actors: int = Field(default=16, ge=1, le=1024)
    """N: environments that are stepped together."""
    horizon: int = Field(default=128, ge=1, le=65_536)
    """T: steps of each actor between two updates."""
    epochs: int = Field(default=4, ge=1, le=100)
    """Passes over each rollout."""
    minibatch: int = Field(default=512, ge=1)
    """Samples of one gradient step, a divisor of actors x horizon; Table 2's 32 x 16."""
    discount: float = Field(default=0.99, ge=0, le=1)
    """gamma."""
    gae_lambda: float = Field(default=0.95, ge=0, le=1)
    """lambda of generalised advantage estimation."""
    clip: float = Field(default=0.1, gt=0, lt=1)
    """Range of the probability ratio around 1, before annealing."""
    learning_rate: float = Field(default=2.5e-4, gt=0)
    """Adam's step size, before annealing."""
    anneal: bool = True
    """Multiply `clip` and `learning_rate` by beta = 1 - (u - 1) / U in update u of U."""
    adam_epsilon: float = Field(default=1e-5, gt=0)
    value_clip: bool = True
    """Clip the value's change to the annealed `clip` around the collecting network's, and take the worse loss."""
    value_coefficient: float = Field(default=0.5, ge=0)
    """Weight of the value loss, which is half a squared error."""
    entropy_coefficient: float = Field(default=0.01, ge=0)
    max_gradient_norm: float = Field(default=0.5, gt=0)
    """Gradients are scaled down to this l2 norm, over all parameters."""
    clip_rewards: bool | None = None
    """Learn from the sign of each reward; null means for Atari games only. Reported scores are never clipped."""
    bootstrap_truncated: bool = False
    """Take a time limit for what it is, adding gamma V(s'), and not for an end, as baselines do."""
    value_gain: float = Field(default=1.0, gt=0)
    """Gain of the value's orthogonal initialisation. Baselines' 1 makes the first updates shrink the features that
    policy and value share: they unlearn the constant that a random value starts from."""
    center_pixels: bool = False
    """Take the commonest pixel of the first observations for black while training, which keeps features alive where
    most of a frame is one bright colour. The published weights take plain pixels all the same. Baselines do not."""
    epsilon: float | None = Field(default=None, ge=0)
    """Radius of the l-inf ball that an adversarial method trains in, in observation units; null means Table 2's 4 for
    Atari games, and has to be given elsewhere."""
    epsilon_scale: tuple[NonNegativeFloat, ...] | None = None
    """Multiplies epsilon and the step, one number per observation dimension; null means 1."""
    epsilon_ramp: float = Field(default=0.0, ge=0, le=1)
    """Share of the training over which epsilon grows from 0; the paper's constant one trains unstably (section 5.3).
    Of `stagewise` it is a share of the second stage, where its attacks begin."""
    attack_steps: int = Field(default=7, ge=1, le=1000)
    """n: PGD steps of one perturbation."""
    attack_step_size: float | None = Field(default=None, gt=0)
    """alpha at the full epsilon, in observation units; null means epsilon / 2, Table 2's 2.0 at epsilon 4."""
    augmented_share: float = Field(default=0.5, ge=0, le=1)
    """phi at the end: the share of states that `dataaugment` perturbs, which grows linearly from 0."""
    augment_denominator: Literal["acting", "perturbed"] = "acting"
    """What `dataaugment` divides pi_new(a|s + delta) by: pi_old(a|s), the probability of acting, or
    pi_old(a|s + delta)."""
    kl_weight: float = Field(default=0.3, ge=0)
    """kappa: weight of the largest divergence in the ball, which `sa_ppo` adds to PPO's loss."""
    worst_case_share: float = Field(default=0.3, ge=0, le=1)
    """1 - kappa: weight of the worst case in the policy loss of `radial`; its plain loss has the rest. The authors'
    0.5 left little of the clean return in a ball as large as CartPole's in our tests, and was no more robust."""
    precision: Literal["bf16", "fp32"] | None = None
    """Of the convolutional network's body; heads, losses, advantages and weights are always fp32. Null means bf16
    where the machine computes in it."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.batch % self.minibatch:
            raise InvalidSpec(
                f"minibatch must divide actors x horizon = {self.actors} x {self.horizon} = {self.batch}, "
                f"and {self.minibatch} does not. Choose a divisor of {self.batch}."
            )
        return self

    @model_validator(mode="after")
    def _computable(self) -> Self:
        given = (self.epsilon, self.attack_step_size, *(self.epsilon_scale or ()))
        check_radii(value for value in given if value is not None)
        return self

    @property
    def batch(self) -> int:
        """Steps of one update."""
        return self.actors * self.horizon

    @property
    def updates(self) -> int:
        """U: the updates of the whole training, at least one."""
        return max(1, self.steps // self.batch)
