"""DataAugment (Mandlekar et al. 2017): acts on clean states, and learns from a growing share of perturbed ones.

The perturbation is the policy attack on the acting policy, found once per rollout. The ratio is
pi_new(a|s + delta) / pi_old(a|s): its denominator is the probability of acting. With pi_old(a|s + delta) instead
(`augment_denominator`) much less is learned. Advantages and targets are those of the clean states.
"""

from dataclasses import replace

import torch
from torch import Tensor

from saddlepoint.schemas.training_config import TrainingConfig
from trainer.adversary import Acting
from trainer.methods.interface import Method
from trainer.rollout import Rollout

_CHUNK = 512
"""Rows that are perturbed together. An attack holds some copies of its rows, and those of frames take 110 kB each."""


class DataAugment(Method):
    """The share is 0 in the first update and grows linearly towards `augmented_share`.

    It is chosen among the states of all processes, each of which perturbs its own.
    """

    @torch.no_grad()
    def learn_from(self, rollout: Rollout, acting: Acting, config: TrainingConfig) -> Rollout:
        lanes = acting.processes.lanes(rollout.rewards.shape[1] * acting.processes.count)
        steps = len(rollout.rewards) * lanes.total
        count = round(config.augmented_share * acting.progress * steps)
        rows = torch.randperm(steps, generator=acting.generator)[:count]
        # Copied even where it is float32 already: what was acted on stays as it was.
        observations = rollout.observations.to(torch.float32, copy=True).flatten(0, 1)
        denominators, actions = rollout.log_probabilities.flatten().clone(), rollout.actions.flatten(0, 1)
        for rows_of_all in torch.split(rows, _CHUNK) if count else ():
            own, numbers = lanes.among(rows_of_all)
            chunk = numbers.to(observations.device)
            observations[chunk] = acting.attacked(observations[chunk], own.nonzero().flatten())
            if config.augment_denominator == "perturbed" and len(chunk):
                denominators[chunk] = _log_probability(acting, observations[chunk], actions[chunk])
        return replace(
            rollout,
            observations=observations.view_as(rollout.observations),
            log_probabilities=denominators.view_as(rollout.log_probabilities),
        )


def _log_probability(acting: Acting, observations: Tensor, actions: Tensor) -> Tensor:
    """Under the network as it is, which no gradient step has changed since it acted."""
    head, _ = acting.network(observations)
    return acting.adversary.distribution.log_probability(head, actions)
