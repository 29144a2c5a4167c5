"""ATPA (the paper's Algorithm 3): the perturbed policy is the one that acts, and the one that learns.

The perturbation is the policy attack on the collecting policy, found once a step. The same perturbed observation
is stored and stands in both terms of the ratio (Eq. 17), and its value is that of the attacked policy.
"""

from torch import Tensor

from trainer.adversary import Acting
from trainer.methods.interface import Method


class Atpa(Method):
    """Acts on s + delta and learns from the same s + delta."""

    def act_on(self, observation: Tensor, acting: Acting) -> Tensor:
        return acting.attacked(observation)
