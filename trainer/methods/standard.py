"""PPO as it is: the clean policy acts, and learns from clean states."""

from torch import Tensor

from trainer.methods.interface import Acting
from trainer.rollout import Rollout


class Standard:
    def act_on(self, observation: Tensor, acting: Acting) -> Tensor:
        return observation

    def learn_from(self, rollout: Rollout, acting: Acting) -> Tensor:
        return rollout.observations
