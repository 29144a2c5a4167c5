"""PPO's losses as OpenAI baselines compute them; every argument is one entry a sample, (B,) float32."""

import torch
from torch import Tensor


def policy_loss(log_ratio: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """The clipped surrogate (Schulman et al. 2017, Eq. 7), negated: the worse of the plain and the clipped gain.

    `log_ratio` is log pi(a|s) of the network in training minus that of the collecting policy.
    """
    ratio = log_ratio.exp()
    clipped = ratio.clamp(1.0 - clip, 1.0 + clip)
    return -torch.minimum(ratio * advantage, clipped * advantage).mean()


def value_loss(value: Tensor, target: Tensor, old_value: Tensor, clip: float | None) -> Tensor:
    """Half the squared error; with `clip` the larger of it and that of a value which moved at most so far."""
    error = (value - target).square()
    if clip is not None:
        near = old_value + (value - old_value).clamp(-clip, clip)
        error = torch.maximum(error, (near - target).square())
    return 0.5 * error.mean()


def normalized(advantage: Tensor) -> Tensor:
    """Zero mean and unit deviation within the minibatch; the 1e-8 keeps equal advantages at 0."""
    return (advantage - advantage.mean()) / (advantage.std(correction=0) + 1e-8)
