"""Why a policy may score no better than chance without attack: other ways to read it, tried on a few episodes.

The usual reason is not the policy but how observations reach it. Each way is played, so a hint is what was seen to help
and no list of guesses.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saddlepoint.attacks.network import Critic
from saddlepoint.envs.interface import LaneEnvironment
from saddlepoint.evaluation.acting import Actor, Networks, PlayedNetwork
from saddlepoint.evaluation.readings import Reading, Transform, readings
from saddlepoint.evaluation.rollouts import Rollout
from saddlepoint.evaluation.statistics import paired_difference
from saddlepoint.schemas.plans import REFERENCE_SEED, EpisodeId, Plan, PlannedCell
from saddlepoint.schemas.policies import PolicyCard

EPISODES = 5
HORIZON = 1000
"""Agent steps of an episode; the random policy is cut alike."""
_ALIVE_STEPS = 100
_KEPT = 2000
"""Observations that are kept to normalise others by."""


@dataclass(frozen=True)
class _Read:
    """The network, given what `transform` makes of an observation; it is only ever played without attack."""

    network: PlayedNetwork
    transform: Transform

    @property
    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return self.network.state_shapes

    @property
    def dtype(self) -> torch.dtype:
        return self.network.dtype

    def to_attack_layout(self, observation: Tensor, /) -> Tensor:
        return self.network.to_attack_layout(self.transform(observation))

    def from_attack_layout(self, arranged: Tensor, /) -> Tensor:
        return self.network.from_attack_layout(arranged)

    def forward_attack(self, arranged: Tensor, states: tuple[Tensor, ...] = (), *, with_value: bool = False) -> Any:
        return self.network.forward_attack(arranged, states, with_value=with_value)

    def critic(self, arranged: Tensor, states: tuple[Tensor, ...] = (), /) -> Critic | None:
        return self.network.critic(arranged, states)


def clean_score_hints(
    plan: Plan,
    card: PolicyCard,
    network: PlayedNetwork,
    clean: PlannedCell,
    make_environment: Callable[[int, int], LaneEnvironment],
    *,
    alive: Callable[[], None] = lambda: None,
) -> list[str]:
    """What was tried on a policy that does not beat the random one, and what helps.

    `clean` is the cell that was played without attack; `make_environment` takes lanes and the most steps of an episode.
    """
    with closing(make_environment(EPISODES, HORIZON)) as environment:
        play = _Play(plan, environment, alive)
        reference = next(cell for cell in plan.cells if cell.role == "random_policy")
        random_returns, seen = play(network, reference)
        own, _ = play(network, clean)
        tried = readings(plan.environment, card, seen)
        found = [(reading, play(_Read(network, reading.transform), clean)[0]) for reading in tried]
    helpful = [(reading, returns) for reading, returns in found if _beats(returns, random_returns, own)]
    if helpful:
        best, returns = max(helpful, key=lambda pair: np.mean(pair[1]))
        return [_helps(best, returns, random_returns, own)]
    return [_nothing_helped(tried)] if tried else []


@dataclass(frozen=True)
class _Play:
    """The same few games for every way."""

    plan: Plan
    environment: LaneEnvironment
    alive: Callable[[], None]

    def __call__(self, network: PlayedNetwork, cell: PlannedCell) -> tuple[list[float], NDArray[np.float32]]:
        """The returns, and some of the observations, if they are small."""
        actor = Actor(Networks(network, network), self.plan, self.environment.lanes)
        entries = [EpisodeId(cell.index, REFERENCE_SEED, episode) for episode in range(EPISODES)]
        rollout = Rollout(actor, self.environment, cell, entries)
        seen: list[NDArray[np.float32]] = []
        for step, (observations, running) in enumerate(rollout.states(HORIZON)):
            if step % _ALIVE_STEPS == 0:
                self.alive()
            if len(seen) * EPISODES < _KEPT and observations[0].ndim == 1:
                seen += [observations[e.lane].astype(np.float32) for e in running if e is not None]
        return [episode.episode_return for episode in rollout.episodes], np.array(seen, np.float32)


def _beats(returns: Sequence[float], random_returns: Sequence[float], own: Sequence[float]) -> bool:
    """Better than the random policy beyond chance, and better than as it is read now."""
    margin = paired_difference(returns, random_returns).ci95
    return margin is not None and margin[0] > 0 and float(np.mean(returns)) > float(np.mean(own))


def _helps(reading: Reading, returns: Sequence[float], random_returns: Sequence[float], own: Sequence[float]) -> str:
    return (
        f"With {reading.what} the same policy scores {np.mean(returns):.4g} (as it is read now {np.mean(own):.4g}, a "
        f"random one {np.mean(random_returns):.4g}; {EPISODES} episodes of at most {HORIZON} steps): {reading.remedy}."
    )


def _nothing_helped(tried: Sequence[Reading]) -> str:
    ways = "; ".join(reading.what for reading in tried)
    return (
        f"None of these made it better than a random policy on {EPISODES} episodes: {ways}. Check that the environment "
        "and its options are those of its training, and that the file holds trained weights."
    )
