"""Small evaluations of real policies in real environments, and every attack that fits them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from saddlepoint.envs.lanes import LaneEnvironment, make_lanes
from saddlepoint.evaluation.acting import Networks
from saddlepoint.policies import canonical_model
from saddlepoint.policies.network import load_network
from saddlepoint.schemas.attacks import Always, AttackSpec, ResolvedAttack, resolve
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.plans import Plan, PolicyHead
from tests.attacks.toys import LinearPolicy, draw
from tests.evaluation.networks import tanh_policy
from tests.evaluation.plans import cell, plan
from tests.policies.networks import NatureCnn, seeded

LANES, STEPS = 8, 4
LOGITS = PolicyHead()
UNPROBED = 1
"""Number of an episode in which no state is attacked otherwise, for the attack's health: nobody acts on those."""
_OF_NUMBERS = ("ce", "max", "min", "kl")
_OF_CHOICES = (*_OF_NUMBERS, "margin")
_RULES = ({"kind": "always"}, {"kind": "every", "every": 2}, {"kind": "fraction", "fraction": 0.5})
_RULES_OF_CHOICES = (*_RULES, {"kind": "preference_gap", "threshold": 0.2})


@dataclass(frozen=True)
class Game:
    """A policy, its environment and what may be done to it."""

    environment: str
    networks: Callable[[], Networks]
    epsilons: Sequence[float]
    losses: Sequence[str]
    rules: Sequence[dict[str, Any]]
    head: PolicyHead = LOGITS
    scale: tuple[float, ...] | None = None
    is_picture: bool = False

    def lanes(self) -> LaneEnvironment:
        return make_lanes(EnvironmentSpec(id=self.environment), LANES, max_episode_steps=STEPS)

    def plan(self, attacks: Sequence[ResolvedAttack], seed: int, environment: LaneEnvironment) -> Plan:
        """One attack a lane."""
        cells = [cell(index, attack) for index, attack in enumerate(attacks)]
        entries = [(index, seed, UNPROBED) for index in range(len(cells))]
        planned = plan(cells, entries, environment=environment.description, lanes=LANES, max_episode_steps=STEPS)
        return planned.model_copy(update={"head": self.head, "epsilon_scale": self.scale})

    @property
    def attacks(self) -> st.SearchStrategy[ResolvedAttack]:
        """Any attack with any options that fit the game and each other."""
        of_pictures = st.booleans() if self.is_picture else st.just(False)
        kinds = ("none", "random", "fgsm", "square", "worst", *self.losses)
        return st.builds(
            _resolved,
            st.sampled_from(kinds),
            st.sampled_from(self.epsilons),
            st.sampled_from(self.losses),
            st.sampled_from(self.rules),
            is_round=st.booleans(),
            steps=st.integers(1, 5),
            step_size=st.sampled_from([None, 0.3, 5.0]),
            restarts=st.integers(1, 2),
            clip=st.booleans(),
            quantize=of_pictures,
            frame_consistent=of_pictures,
        )


def _resolved(
    kind: str, epsilon: float, loss: str, when: dict[str, Any], *, is_round: bool, **options: Any
) -> ResolvedAttack:
    if kind in ("fgsm", "square"):
        options["loss"] = loss
    if is_round and kind != "square" and not options["frame_consistent"]:
        options["norm"] = "l2"
    spec = AttackSpec.model_validate({"kind": kind, "when": when, **options})
    return resolve(spec, epsilon, steps=7, step_size=None, when=Always())


class Swinger(LinearPolicy):
    """A Gaussian whose mean leans on all that it sees."""

    def _logits(self, observation: Tensor) -> Tensor:
        return torch.cat([2 * torch.tanh(observation @ self.weights), torch.full_like(observation[:, :1], -1.0)], dim=1)


def _nature() -> Networks:
    model = canonical_model(dict(seeded(partial(NatureCnn, 18)).state_dict()))
    return Networks(load_network(model), load_network(model, precision="bf16"))


def _same(network: Any) -> Networks:
    return Networks(network, network)


GAMES = {
    "frames, gradients in bf16": Game(
        "BoxingNoFrameskip-v4",
        _nature,
        (0.0, 0.7, 1.0, 4.0, 7.3),
        _OF_CHOICES,
        (*_RULES_OF_CHOICES, {"kind": "value_above", "threshold": 0.0}),
        is_picture=True,
    ),
    "a vector, each entry with its unit": Game(
        "CartPole-v1",
        lambda: _same(load_network(tanh_policy(4, 16, 2))),
        (0.0, 0.03, 1.0),
        _OF_CHOICES,
        _RULES_OF_CHOICES,
        scale=(1.0, 0.7, 0.01, 3.0),
    ),
    "actions of numbers, tight bounds": Game(
        "Pendulum-v1",
        lambda: _same(Swinger(draw(3, 1) - 0.5)),
        (0.0, 0.1, 0.9),
        _OF_NUMBERS,
        _RULES,
        PolicyHead(kind="gaussian", fixed_deviation=True),
    ),
}
