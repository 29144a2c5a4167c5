"""Actions of numbers: how they are chosen, and whole shards of a policy that has to follow a number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from saddlepoint.envs.interface import Actions, LaneStep
from saddlepoint.evaluation.acting import Networks
from saddlepoint.evaluation.choosing import choice_of
from saddlepoint.evaluation.shards import play
from saddlepoint.schemas.environments import BoxSpace, ContinuousSpace, EnvironmentDescription, EnvironmentSpec
from saddlepoint.schemas.plans import EpisodeResult, Plan, PolicyHead
from tests.attacks.toys import LinearPolicy, attack
from tests.evaluation.plans import cell, plan

SPACE = ContinuousSpace(n=1, shape=(1,), low=-2.0, high=2.0)
FOLLOW = EnvironmentDescription(
    env=EnvironmentSpec(id="Follow-v0"),
    observation=BoxSpace(shape=(1,), dtype="float32", low=None, high=None),
    action=SPACE,
)
GAUSSIAN = PolicyHead(kind="gaussian", fixed_deviation=True)
STEPS = 10


@dataclass
class Follow:
    """Shows a number of the seed's; an action costs its distance from it."""

    lanes: int
    description = FOLLOW

    def __post_init__(self) -> None:
        self._shown = np.zeros((self.lanes, 1), np.float32)
        self._steps = np.zeros(self.lanes, np.int64)

    def reset(self, lanes: Sequence[int], seeds: Sequence[int]) -> None:
        self._shown[list(lanes), 0] = np.array(seeds) % 7 / 4 - 0.75
        self._steps[list(lanes)] = 0

    @property
    def observations(self) -> NDArray[np.float32]:
        return self._shown

    def step(self, actions: Actions) -> LaneStep:
        assert actions.shape == (self.lanes, 1)
        assert actions.dtype == np.float32
        self._steps += 1
        costs = np.abs(actions - self._shown)[:, 0].astype(np.float64)
        return LaneStep(-costs, self._steps >= STEPS, np.zeros(self.lanes, np.bool_))

    def close(self) -> None:
        pass


class Follower(LinearPolicy):
    """Its mean is what it sees; its log_std is -1."""

    def _logits(self, observation: Tensor) -> Tensor:
        return torch.cat([observation, torch.full_like(observation, -1.0)], dim=1)


def results(planned: Plan) -> list[EpisodeResult]:
    found: list[EpisodeResult] = []
    policy = Follower(torch.zeros(1, 1))
    networks, environment = Networks(policy, policy), Follow(planned.shards[0].lanes)
    play(
        planned,
        planned.shards[0],
        networks,
        [environment],
        finished=lambda *_: False,
        put=found.append,
        heartbeat=lambda _: None,
    )
    return found


def planned(*cells: object, head: PolicyHead = GAUSSIAN) -> Plan:
    entries = [(index, seed, 0) for seed in range(6) for index in range(len(cells))]
    return plan(cells, entries, environment=FOLLOW).model_copy(update={"head": head})  # type: ignore[arg-type]


def test_a_greedy_follower_is_perfect_and_an_attacker_moves_it_by_epsilon() -> None:
    clean, attacked = cell(0), cell(1, attack("ce", epsilon=0.5))
    for result in results(planned(clean, attacked)):
        if result.cell_key == "key-0":
            assert result.episode_return == 0
            assert result.attacked_steps == 0
        else:
            assert result.episode_return == pytest.approx(-0.5 * STEPS, rel=1e-5)
            assert result.action_shift_sum == pytest.approx(0.5 * STEPS, rel=1e-5)
            deviation = np.exp(-1.0)
            assert result.kl_sum == pytest.approx(STEPS * 0.5**2 / (2 * deviation**2), rel=1e-4)
            assert result.flips == 0


def test_min_pulls_to_the_farther_bound() -> None:
    (result, *_) = results(planned(cell(0, attack("min", epsilon=0.5))))
    assert result.loss_rises == STEPS
    assert result.max_linf == 0.5


def test_samples_have_the_policys_deviation_and_are_the_same_under_every_attack() -> None:
    quiet = attack("random", epsilon=1e-30)
    played = results(planned(cell(0, mode="sample"), cell(1, quiet, mode="sample")))
    clean = [result for result in played if result.cell_key == "key-0"]
    other = [result for result in played if result.cell_key == "key-1"]
    assert {r.seed: r.actions_digest for r in clean} == {r.seed: r.actions_digest for r in other}
    mean_cost = -sum(result.episode_return for result in clean) / (len(clean) * STEPS)
    assert mean_cost == pytest.approx(np.exp(-1.0) * np.sqrt(2 / np.pi), rel=0.3)


def test_the_random_policy_is_uniform_within_the_bounds() -> None:
    choice = choice_of(GAUSSIAN, FOLLOW)
    actions = np.zeros((4000, 1), np.float32)
    lanes = list(range(4000))
    choice.uniform_(actions, lanes, (lanes, [0] * 4000, [0] * 4000))
    assert actions.min() >= -2
    assert actions.max() <= 2
    np.testing.assert_allclose(np.quantile(actions, [0.25, 0.5, 0.75]), [-1, 0, 1], atol=0.08)


def test_without_bounds_the_random_policy_is_standard_normal() -> None:
    free = FOLLOW.model_copy(update={"action": SPACE.model_copy(update={"low": None, "high": None})})
    actions = np.zeros((4000, 1), np.float32)
    lanes = list(range(4000))
    choice_of(GAUSSIAN, free).uniform_(actions, lanes, (lanes, [0] * 4000, [0] * 4000))
    assert actions.std() == pytest.approx(1, abs=0.05)


def test_a_squashed_action_is_scaled_to_the_bounds() -> None:
    choice = choice_of(PolicyHead(kind="gaussian", squash="tanh"), FOLLOW)
    actions = choice.greedy(torch.tensor([[0.0, 0.0], [20.0, 0.0], [-20.0, 0.0]]))
    assert actions.tolist() == [[0.0], [2.0], [-2.0]]
