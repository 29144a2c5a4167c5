import random
import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from saddlepoint.envs.interface import Actions, LaneStep
from saddlepoint.envs.seeding import Purpose, episode_seed, gumbel_rows
from saddlepoint.errors import Canceled
from saddlepoint.evaluation.acting import Networks
from saddlepoint.evaluation.shards import play
from saddlepoint.evaluation.steps import StepsTaken
from saddlepoint.schemas.plans import EpisodeResult, Plan, PlannedCell
from tests.attacks.toys import LinearPolicy, attack
from tests.evaluation.corridor import DISTANCE, Corridor, honest_policy, length_of
from tests.evaluation.plans import cell, plan

Key = tuple[int, int, int]
CE = attack("ce", epsilon=0.5)


def play_corridor(
    planned: Plan,
    *,
    policy: LinearPolicy | None = None,
    finished: Callable[[int, int, int], bool] = lambda *_: False,
    heartbeat: Callable[[StepsTaken], None] = lambda _: None,
    environment: Corridor | None = None,
    groups: Sequence[Corridor] = (),
) -> dict[Key, EpisodeResult]:
    policy = policy or honest_policy()
    cells = {planned_cell.key: planned_cell.index for planned_cell in planned.cells}
    results: dict[Key, EpisodeResult] = {}

    def put(result: EpisodeResult) -> None:
        key = (cells[result.cell_key], result.seed, result.episode)
        assert key not in results
        results[key] = result

    (shard,) = planned.shards
    environments = groups or [environment or Corridor(shard.lanes)]
    play(planned, shard, Networks(policy, policy), environments, finished=finished, put=put, heartbeat=heartbeat)
    return results


def entries(cells: Sequence[PlannedCell], seeds: int = 5, episodes: int = 2) -> list[Key]:
    return [(c.index, seed, episode) for seed in range(seeds) for episode in range(episodes) for c in cells]


def test_every_planned_episode_is_played_to_its_end_once() -> None:
    cells = [cell(0), cell(1, CE)]
    results = play_corridor(plan(cells, entries(cells)))
    assert sorted(results) == sorted(entries(cells))
    assert all(result.length == length_of(seed, episode) for (_, seed, episode), result in results.items())
    assert all(result.environment_seed == episode_seed(*key[1:]) for key, result in results.items())


def test_returns_and_measures_by_hand() -> None:
    """Clean, the greedy policy is always right; an attacker who may move twice the distance makes it always wrong."""
    cells = [cell(0), cell(1, CE)]
    results = play_corridor(plan(cells, entries(cells)))
    for (index, _, _), result in results.items():
        assert result.episode_return == (result.length if index == 0 else -result.length)
        attacked = result.length if index == 1 else 0
        assert result.attacked_steps == result.flips == result.loss_rises == attacked
        assert result.max_linf == (0.5 if index == 1 else 0.0)
        assert result.zero_gradient == 0
        assert not result.truncated


def test_kl_and_total_variation_by_hand() -> None:
    cells = [cell(0, CE)]
    (result,) = play_corridor(plan(cells, [(0, 0, 0)])).values()
    p = 1 / (1 + np.exp(-10 * DISTANCE))
    kl = p * np.log(p / (1 - p)) + (1 - p) * np.log((1 - p) / p)
    assert result.kl_sum == pytest.approx(result.length * kl, rel=1e-5)
    assert result.tv_sum == pytest.approx(result.length * (2 * p - 1), rel=1e-5)


def test_an_attack_too_weak_to_cross_zero_flips_nothing() -> None:
    cells = [cell(0, attack("max", epsilon=0.125))]
    for result in play_corridor(plan(cells, entries(cells))).values():
        assert result.episode_return == result.length
        assert (result.flips, result.loss_rises, result.max_linf) == (0, result.length, 0.125)


def test_an_epsilon_of_zero_attacks_no_step() -> None:
    cells = [cell(0), cell(1, attack("ce", epsilon=0.0, step_size=0.0))]
    results = play_corridor(plan(cells, entries(cells)))
    for (index, seed, episode), result in results.items():
        assert result.attacked_steps == 0
        assert result.actions_digest == results[(1 - index, seed, episode)].actions_digest


def test_sampled_actions_are_gumbel_max_from_the_episodes_own_stream() -> None:
    cells = [cell(0, mode="sample")]
    (result,) = play_corridor(plan(cells, [(0, 3, 1)])).values()
    log_p = torch.tensor([5.0 * DISTANCE, -5.0 * DISTANCE]).log_softmax(0).numpy()
    expected = 0
    for step in range(result.length):
        positive = (episode_seed(3, 1) + step) % 2 == 0
        scores = log_p if positive else log_p[::-1]
        action = (scores + gumbel_rows([3], [1], [step], Purpose.ACTION, 2)[0]).argmax()
        expected += 1 if action == (0 if positive else 1) else -1
    assert result.episode_return == expected


def test_sampling_follows_the_policy() -> None:
    cells = [cell(0, mode="sample")]
    results = play_corridor(plan(cells, entries(cells, seeds=200, episodes=2), lanes=64)).values()
    share_right = (sum(r.episode_return for r in results) / sum(r.length for r in results) + 1) / 2
    assert share_right == pytest.approx(1 / (1 + np.exp(-10 * DISTANCE)), abs=0.02)


def test_the_random_policy_is_uniform_and_does_not_ask_the_network() -> None:
    cells = [cell(0, role="random_policy", mode="sample")]
    planned = plan(cells, entries(cells, seeds=200, episodes=2), lanes=64)
    ours, opposite = (play_corridor(planned, policy=LinearPolicy(w * torch.tensor([[5.0, -5.0]]))) for w in (1, -1))
    assert ours == opposite
    share_right = sum(r.episode_return for r in ours.values()) / sum(r.length for r in ours.values())
    assert share_right == pytest.approx(0, abs=0.06)


def test_randomness_is_the_same_under_every_attack() -> None:
    """Attacks that change nothing: the sampled actions of all cells agree, episode by episode."""
    cells = [cell(0, mode="sample"), cell(1, attack("random", epsilon=1e-6), mode="sample")]
    results = play_corridor(plan(cells, entries(cells)))
    digests = [{key[1:]: r.actions_digest for key, r in results.items() if key[0] == index} for index in (0, 1)]
    assert digests[0] == digests[1]
    assert len(set(digests[0].values())) > 1


MIXED = [
    cell(0, mode="sample"),
    cell(1, attack("random", epsilon=0.5), mode="sample"),
    cell(2, CE, mode="sample"),
    cell(3, attack("min", epsilon=0.3), mode="greedy"),
    cell(4, mode="sample", role="random_policy"),
]


def test_the_order_of_the_entries_does_not_matter() -> None:
    listed = entries(MIXED)
    shuffled = random.Random(0).sample(listed, len(listed))
    assert play_corridor(plan(MIXED, listed)) == play_corridor(plan(MIXED, shuffled))


def test_a_restart_that_skips_finished_episodes_gives_the_same_results() -> None:
    planned = plan(MIXED, entries(MIXED))
    whole = play_corridor(planned)
    kept = set(random.Random(1).sample(sorted(whole), len(whole) // 2))
    rest = play_corridor(planned, finished=lambda *key: key in kept)
    assert set(rest) == set(whole) - kept
    assert all(whole[key] == result for key, result in rest.items())


def test_an_episode_keeps_its_lane_whatever_is_finished() -> None:
    planned = plan(MIXED, entries(MIXED))
    first, second = Corridor(8), Corridor(8)
    play_corridor(planned, environment=first)
    play_corridor(planned, environment=second, finished=lambda cell, *_: cell < 2)
    assert set(second.resets) < set(first.resets)
    lane_of = {entry: index % 8 for index, entry in enumerate(planned.shards[0].entries)}
    assert sorted(first.resets) == sorted((lane, episode_seed(*entry[1:])) for entry, lane in lane_of.items())


@pytest.mark.parametrize("count", [2, 3])
def test_groups_of_lanes_change_nothing(count: int) -> None:
    planned = plan(MIXED, entries(MIXED))
    groups = [Corridor(8) for _ in range(count)]
    assert play_corridor(planned, groups=groups) == play_corridor(planned)
    assert all(group.resets for group in groups)


def test_while_one_group_steps_another_is_attacked() -> None:
    attacked = threading.Event()

    class Slow(Corridor):
        """Its first step ends when the other group, whose actions are known then, steps too."""

        def step(self, actions: Actions) -> LaneStep:
            assert attacked.wait(timeout=60)
            return super().step(actions)

    class Other(Corridor):
        def step(self, actions: Actions) -> LaneStep:
            attacked.set()
            return super().step(actions)

    planned = plan(MIXED, entries(MIXED))
    assert play_corridor(planned, groups=[Slow(8), Other(8)]) == play_corridor(planned)


def test_an_error_of_one_group_ends_the_shard() -> None:
    class Broken(Corridor):
        def step(self, actions: Actions) -> LaneStep:
            raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        play_corridor(plan(MIXED, entries(MIXED)), groups=[Corridor(8), Broken(8)])


def test_nothing_is_played_where_everything_is_finished() -> None:
    environment = Corridor(8)
    beats: list[StepsTaken] = []
    finished = play_corridor(
        plan(MIXED, entries(MIXED)), environment=environment, finished=lambda *_: True, heartbeat=beats.append
    )
    assert (finished, environment.resets, beats) == ({}, [], [])


def test_the_heartbeat_tells_the_steps_so_far() -> None:
    beats: list[StepsTaken] = []
    cells = [cell(0)]
    results = play_corridor(plan(cells, [(0, 0, 0), (0, 1, 0)]), heartbeat=beats.append)
    lengths = [result.length for result in results.values()]
    assert [beat.agent for beat in beats] == [
        sum(min(length, step) for length in lengths) for step in range(1, max(lengths) + 1)
    ]


def test_the_heartbeat_tells_what_the_attackers_took() -> None:
    beats: list[StepsTaken] = []
    twice = attack("ce", epsilon=0.5, steps=3).model_copy(update={"restarts": 2})
    cells = [cell(0), cell(1, twice), cell(2, attack("random", epsilon=0.5)), cell(3, attack("max", epsilon=0.5))]
    results = play_corridor(plan(cells, [(index, 0, 0) for index in range(4)]), heartbeat=beats.append)
    lengths = {key[0]: result.length for key, result in results.items()}
    assert beats[0].attack == {"ce": 3 * 2, "max": cells[3].attack.steps}
    assert beats[-1].attack == {"ce": lengths[1] * 3 * 2, "max": lengths[3] * cells[3].attack.steps}


def test_a_heartbeat_that_raises_stops_the_shard_after_the_results_so_far() -> None:
    def cancel(taken: StepsTaken) -> None:
        if taken.agent > 30:
            raise Canceled("stop")

    with pytest.raises(Canceled):
        play_corridor(plan(MIXED, entries(MIXED)), heartbeat=cancel)
