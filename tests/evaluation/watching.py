"""An evaluation watched from both sides of the attacker: what the environment shows, and what the policy is given."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saddlepoint.attacks.network import Critic
from saddlepoint.envs.interface import Actions, LaneEnvironment, LaneStep
from saddlepoint.evaluation.acting import Networks, PlayedNetwork
from saddlepoint.evaluation.shards import play
from saddlepoint.schemas.plans import EpisodeResult, Plan


@dataclass(frozen=True)
class Seen:
    """One step of a batch; observations in the environment's own units, float32."""

    clean: Tensor
    """(lanes, *obs): what the environment showed."""
    asked: list[Tensor]
    """(lanes, *obs) each: what the acting policy was asked about, the last time for its action."""
    outputs: Tensor
    """(lanes, K): what it said then."""
    actions: Actions
    playing: list[int]
    """The lanes in which an episode is under way."""

    @property
    def given(self) -> Tensor:
        return self.asked[-1]


@dataclass
class WatchedNetwork:
    """Keeps what it is asked without a gradient, and its last answer."""

    network: PlayedNetwork
    asked: list[Tensor] = field(default_factory=list)
    outputs: Tensor = field(default_factory=lambda: torch.empty(0))

    @property
    def dtype(self) -> torch.dtype:
        return self.network.dtype

    @property
    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return self.network.state_shapes

    def to_attack_layout(self, observation: Tensor, /) -> Tensor:
        return self.network.to_attack_layout(observation)

    def from_attack_layout(self, arranged: Tensor, /) -> Tensor:
        return self.network.from_attack_layout(arranged)

    def forward_attack(self, arranged: Tensor, states: tuple[Tensor, ...] = (), *, with_value: bool = False) -> Any:
        answer = self.network.forward_attack(arranged, states, with_value=with_value)
        self.asked.append(self.network.from_attack_layout(arranged).clone())
        self.outputs = answer.head
        return answer

    def critic(self, arranged: Tensor, states: tuple[Tensor, ...] = (), /) -> Critic | None:
        return self.network.critic(arranged, states)


@dataclass
class WatchedLanes:
    """Keeps a step of everything that is played in them."""

    environment: LaneEnvironment
    network: WatchedNetwork
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lanes, self.description = self.environment.lanes, self.environment.description
        self._playing: set[int] = set()

    def reset(self, lanes: Sequence[int], seeds: Sequence[int]) -> None:
        self._playing |= set(lanes)
        self.environment.reset(lanes, seeds)

    @property
    def observations(self) -> NDArray[Any]:
        return self.environment.observations

    def step(self, actions: Actions) -> LaneStep:
        clean = torch.from_numpy(self.observations.astype(np.float32))
        asked, self.network.asked = self.network.asked, []
        self.seen.append(Seen(clean, asked, self.network.outputs, actions.copy(), sorted(self._playing)))
        after = self.environment.step(actions)
        self._playing -= set(np.flatnonzero(after.terminated | after.truncated).tolist())
        return after

    def close(self) -> None:
        self.environment.close()


def watch(plan: Plan, networks: Networks, environment: LaneEnvironment) -> tuple[list[Seen], list[EpisodeResult]]:
    """Every step of the first shard of `plan`, and its results."""
    acting, results = WatchedNetwork(networks.acting), list[EpisodeResult]()
    lanes = WatchedLanes(environment, acting)
    play(
        plan,
        plan.shards[0],
        replace(networks, acting=acting),
        [lanes],
        finished=lambda *_: False,
        put=results.append,
        heartbeat=lambda _: None,
    )
    return lanes.seen, results
