"""A training as a value: what goes on from update to update."""

from dataclasses import dataclass

import numpy as np
import torch

from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.training_config import TrainingConfig
from trainer.adversary import Adversary
from trainer.distributions import Distribution
from trainer.games import RECENT, Games
from trainer.methods.interface import Method
from trainer.network import ActorCritic
from trainer.processes import ALONE, Processes


@dataclass
class Training:
    """Everything that a training consists of and that a checkpoint keeps."""

    config: TrainingConfig
    method: Method
    network: ActorCritic
    distribution: Distribution
    adversary: Adversary
    optimizer: torch.optim.Adam
    generator: torch.Generator
    """The only source of randomness besides the games, from which all others start anew. On the CPU.

    Every process draws from it as often as the others, so that it is in the same state in all of them."""
    games: Games
    clip_rewards: bool
    processes: Processes = ALONE
    parent: PolicyCard | None = None
    """Of the policy that it started from."""
    update: int = 0
    """Updates done."""

    @property
    def hardens(self) -> bool:
        """Whether its weights were trained before."""
        return self.parent is not None

    @property
    def device(self) -> torch.device:
        """Where the network computes; games, samples and seeds are the CPU's in any case."""
        return next(self.network.parameters()).device

    @property
    def steps(self) -> int:
        """Agent steps done."""
        return self.update * self.config.batch

    @property
    def progress(self) -> float:
        """(u - 1) / U of the coming update u: 0 at first, never 1."""
        return self.update / self.config.updates

    @property
    def beta(self) -> float:
        """What the annealed numbers of the coming update are multiplied by: 1 at first, never 0."""
        return 1.0 - self.progress if self.config.anneal else 1.0

    @property
    def halfway(self) -> bool:
        """Whether the last update was the one in the middle, whose policy is kept."""
        return self.update == -(-self.config.updates // 2)

    @property
    def finished(self) -> bool:
        """Whether all updates are done, or the return to stop at is reached."""
        return self.update >= self.config.updates or self._stops_early

    @property
    def _stops_early(self) -> bool:
        """A function of what a checkpoint keeps, so that a resumed training stops where it would have."""
        wanted, scores = self.config.stop_at_return, self.games.recent
        return wanted is not None and len(scores) == RECENT and float(np.mean(scores)) >= wanted
