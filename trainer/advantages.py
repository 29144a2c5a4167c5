"""Generalised advantage estimation (Schulman et al. 2016)."""

import torch
from torch import Tensor


def advantages(
    rewards: Tensor, values: Tensor, ended: Tensor, last_value: Tensor, discount: float, gae_lambda: float
) -> Tensor:
    """The advantage of every step of a rollout.

    All (T, N) float32 but `last_value`, (N,): the value of the states after the last step. `ended[t]` is 1 where step
    t ended its episode, so that nothing flows back from the episode after it. The value target is the advantage plus
    the value.
    """
    result = torch.zeros_like(rewards)
    following_value, following = last_value, torch.zeros_like(last_value)
    for t in reversed(range(len(rewards))):
        goes_on = 1.0 - ended[t]
        surprise = rewards[t] + discount * following_value * goes_on - values[t]
        following = surprise + discount * gae_lambda * goes_on * following
        result[t] = following
        following_value = values[t]
    return result
