"""The attacker that a training is made under: PGD in a ball whose radius may grow in the course of the training."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from saddlepoint.attacks.ball import Ball, Bounds
from saddlepoint.attacks.network import AttackedNetwork
from saddlepoint.attacks.pgd import perturb
from saddlepoint.attacks.rows import Rows, uniform_rows
from saddlepoint.schemas.attacks import Objective, ResolvedAttack
from saddlepoint.schemas.environments import BoxSpace
from saddlepoint.schemas.training_config import TrainingConfig
from trainer.distributions import Distribution
from trainer.network import ActorCritic
from trainer.processes import ALONE, Processes


@dataclass(frozen=True)
class Adversary:
    """Observations are encoded (`ActorCritic.encode`) and so are `bounds`; epsilons are in observation units."""

    distribution: Distribution
    bounds: Bounds
    epsilon: float
    """At the end of the ramp."""
    steps: int
    relative_step: float
    """Of a PGD step, in epsilons."""
    ramp: float
    """Share of the training that is left from `begins` on, over which epsilon grows from 0."""
    begins: float = 0.0
    """Share of the training before its first attack."""

    @classmethod
    def of(
        cls,
        config: TrainingConfig,
        space: BoxSpace,
        network: ActorCritic,
        distribution: Distribution,
        *,
        begins: float = 0.0,
        device: torch.device | str = "cpu",
    ) -> "Adversary":
        """The adversary of a configuration; one that leaves epsilon open attacks with 0. `device` is the network's."""
        epsilon = config.epsilon or 0.0
        step = config.attack_step_size
        return cls(
            distribution=distribution,
            bounds=_encoded(Bounds.of(space, device, scale=config.epsilon_scale), network),
            epsilon=epsilon,
            steps=config.attack_steps,
            relative_step=0.5 if step is None or not epsilon else step / epsilon,
            ramp=config.epsilon_ramp,
            begins=begins,
        )

    def epsilon_at(self, progress: float) -> float:
        """The radius after this share of the training, 0..1."""
        if progress < self.begins:
            return 0.0
        exposed = (progress - self.begins) / (1.0 - self.begins)
        return self.epsilon if exposed >= self.ramp else self.epsilon * exposed / self.ramp

    def ball(self, observation: Tensor, progress: float) -> Ball:
        """What an attack could reach from each row, (N, ...)."""
        clean = observation.float()
        epsilon = clean.new_full((len(clean),), self.epsilon_at(progress))
        return Ball.around(clean, epsilon, self.bounds.low, self.bounds.high, self.bounds.scale)

    def perturb(
        self,
        network: AttackedNetwork,
        observation: Tensor,
        progress: float,
        generator: torch.Generator,
        *,
        objective: Objective = "ce",
        numbers: Tensor | None = None,
    ) -> Tensor:
        """(N, ...) float32: each row at the last iterate of its ascent, begun at a uniform point of its ball.

        Where it begins depends on the generator's state and on its number alone: `numbers` (N,) int64, or 0 to N - 1.
        """
        epsilon = self.epsilon_at(progress)
        attack = ResolvedAttack(
            kind=objective,
            epsilon=epsilon,
            steps=self.steps,
            step_size=epsilon * self.relative_step,
        )
        clean = observation.float()
        if epsilon == 0:
            return clean
        noise = _uniform(clean.shape, generator, numbers).to(clean.device)
        if not len(clean):
            return clean
        rows = _rows(attack, len(clean), clean.device)
        head = self.distribution.attacked_head(len(clean))
        return perturb(network, clean, rows, noise, self.bounds, head=head).observation


@dataclass(frozen=True)
class Acting:
    """What a method may use: the network as it is, its randomness, and how far the training has come."""

    network: ActorCritic
    generator: torch.Generator
    """Begun anew for every step and every minibatch, so that a process may draw from it what others do not."""
    progress: float
    """(u - 1) / U: 0 in the first update, never 1."""
    adversary: Adversary
    processes: Processes = ALONE

    def attacked(self, observation: Tensor, numbers: Tensor | None = None) -> Tensor:
        """The policy attack (`ce`) on the collecting policy: (N, ...) float32.

        `numbers` (N,) int64 are those of the rows among the rows of all processes; by default there is one a lane.
        """
        if numbers is None:
            numbers = self.processes.lanes(len(observation) * self.processes.count).numbers
        return self.adversary.perturb(self._frozen, observation, self.progress, self.generator, numbers=numbers)

    @cached_property
    def _frozen(self) -> AttackedNetwork:
        """As the network was when it was first asked for: before the gradient steps that follow a rollout."""
        return self.network.frozen()


@lru_cache(maxsize=2)
def _rows(attack: ResolvedAttack, count: int, device: torch.device) -> Rows:
    """Kept from step to step, with what an attack has once asked of them."""
    return uniform_rows(attack, count, device)


def _uniform(shape: Sequence[int], generator: torch.Generator, numbers: Tensor | None) -> Tensor:
    """Numbers in [0, 1), each row from a seed of its own; one number is drawn from `generator`, however many rows."""
    rows = list(range(shape[0])) if numbers is None else numbers.tolist()
    seeded = torch.Generator().manual_seed(int(torch.randint(2**62, (), generator=generator)))
    seeds = torch.randint(2**62, (max(rows, default=-1) + 1,), generator=seeded)[rows]
    noise = torch.empty(tuple(shape))
    for row, seed in zip(noise, seeds.tolist(), strict=True):
        row.uniform_(generator=seeded.manual_seed(seed))
    return noise


def _encoded(bounds: Bounds, network: ActorCritic) -> Bounds:
    def encode(part: Tensor) -> Tensor:
        return part if part.dim() == 0 else network.encode(part[None])[0]

    scale = bounds.scale
    return Bounds(encode(bounds.low), encode(bounds.high), None if scale is None else encode(scale))
