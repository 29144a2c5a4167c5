"""Shards on the networks and environments they are for."""

import pytest

from saddlepoint.evaluation.shards import load_networks, play_shard
from saddlepoint.policies.black_box import BlackBox
from saddlepoint.schemas.attacks import ResolvedAttack
from saddlepoint.schemas.environments import (
    BoxSpace,
    DiscreteSpace,
    EnvironmentDescription,
    EnvironmentSpec,
    describe_atari,
)
from saddlepoint.schemas.plans import EpisodeResult, Plan
from tests.attacks.toys import attack
from tests.evaluation.networks import atari_policy, balancing_policy, tanh_policy
from tests.evaluation.plans import CARTPOLE, cell, plan

Key = tuple[str, int, int]
ACROBOT = EnvironmentDescription(
    env=EnvironmentSpec(id="Acrobot-v1"),
    observation=BoxSpace(shape=(6,), dtype="float32", low=None, high=None),
    action=DiscreteSpace(n=3),
    max_episode_steps=500,
)


def play(
    planned: Plan, model: bytes, *, skip: frozenset[Key] = frozenset(), groups: int | None = None
) -> dict[Key, EpisodeResult]:
    results: dict[Key, EpisodeResult] = {}

    def finished(cell: int, seed: int, episode: int) -> bool:
        return (planned.cells[cell].key, seed, episode) in skip

    def put(result: EpisodeResult) -> None:
        results[(result.cell_key, result.seed, result.episode)] = result

    play_shard(planned, planned.shards[0], model, finished=finished, put=put, heartbeat=lambda _: None, groups=groups)
    return results


def mean_return(results: dict[Key, EpisodeResult], key: str) -> float:
    returns = [result.episode_return for result in results.values() if result.cell_key == key]
    return sum(returns) / len(returns)


def test_the_policy_attack_topples_a_pole_that_noise_does_not() -> None:
    cells = [cell(0), cell(1, attack("random", epsilon=0.2)), cell(2, attack("ce", epsilon=0.2))]
    entries = [(c.index, seed, 0) for seed in range(6) for c in cells]
    results = play(plan(cells, entries, environment=CARTPOLE, lanes=16), balancing_policy())
    assert mean_return(results, "key-0") == 500
    assert mean_return(results, "key-1") > 300
    assert mean_return(results, "key-2") < 60
    clean = [result for result in results.values() if result.cell_key == "key-0"]
    assert all(result.truncated and result.length == 500 for result in clean)


def test_a_search_is_played_through_onnxruntime_and_nothing_else_is() -> None:
    square = ResolvedAttack(kind="square", epsilon=0.2, steps=20)
    entries = [(0, seed, 0) for seed in range(6)]
    searched = plan([cell(0, square)], entries, environment=CARTPOLE, lanes=16)
    climbed = plan([cell(0, attack("ce"))], entries, environment=CARTPOLE, lanes=16)
    assert isinstance(load_networks(searched, balancing_policy()).black_box, BlackBox)
    assert load_networks(climbed, balancing_policy()).black_box is None
    assert mean_return(play(searched, balancing_policy()), "key-0") < 60


def test_max_episode_steps_cuts_and_counts() -> None:
    cells = [cell(0)]
    planned = plan(cells, [(0, 0, 0)], environment=CARTPOLE, max_episode_steps=20)
    (result,) = play(planned, balancing_policy()).values()
    assert (result.length, result.truncated, result.episode_return) == (20, True, 20)


@pytest.mark.parametrize(
    ("environment", "model", "epsilon", "limit"),
    [
        pytest.param(ACROBOT, tanh_policy(6, 33, 3), 0.5, 40, id="an MLP whose rows depend on their place"),
        pytest.param(
            describe_atari(EnvironmentSpec(id="BoxingNoFrameskip-v4")), atari_policy(), 4.0, 6, id="Nature CNN"
        ),
    ],
)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_restart_repeats_every_bit_and_so_do_groups_of_lanes(
    environment: EnvironmentDescription, model: bytes, epsilon: float, limit: int, precision: str
) -> None:
    """Skipped entries leave their lanes idle or move the later entries forward in time, never to another lane.

    So do groups of lanes: an entry has the same row in the batch of any of them.
    """
    cells = [
        cell(0, mode="sample"),
        cell(1, attack("ce", epsilon=epsilon, steps=3), mode="sample"),
        cell(2, attack("max", epsilon=epsilon, steps=2)),
    ]
    entries = [(c.index, seed, 0) for seed in range(4) for c in cells]
    planned = plan(cells, entries, environment=environment, max_episode_steps=limit)
    planned = planned.model_copy(update={"precision": precision})
    whole = play(planned, model)
    assert len(whole) == len(entries)
    kept = frozenset(list(whole)[::2])
    rest = play(planned, model, skip=kept)
    assert set(rest) == set(whole) - kept
    for key, result in rest.items():
        assert whole[key] == result
    assert play(planned, model, groups=2) == whole
    assert play(planned, model, groups=2, skip=kept) == rest
