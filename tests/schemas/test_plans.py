from collections import Counter

import pytest

from saddlepoint.schemas.environments import EnvironmentDescription, EnvironmentSpec, describe_atari
from saddlepoint.schemas.evaluations import Precision
from saddlepoint.schemas.plans import REFERENCE_EPISODES, REFERENCE_GAMES, EpisodeId, Plan, make_plan
from tests.evaluation.episodes import CARD, plan_of, spec_of
from tests.evaluation.plans import CARTPOLE
from tests.worker.world import make_record


def entries(plan: Plan) -> list[EpisodeId]:
    return [entry for shard in plan.shards for entry in shard.entries]


def test_every_episode_of_every_cell_is_planned_once() -> None:
    plan = plan_of(spec_of(seeds=3, episodes_per_seed=4))
    counts = Counter(entries(plan))
    assert set(counts.values()) == {1}
    per_cell = Counter(entry.cell for entry in counts)
    for cell in plan.cells:
        assert per_cell[cell.index] == (REFERENCE_GAMES if cell.role == "random_policy" else 12)
    assert plan.episodes_planned == len(counts)


def test_every_report_has_the_same_games_of_the_random_policy() -> None:
    def reference(**fields: object) -> list[EpisodeId]:
        plan = plan_of(spec_of(attacks=["none"], **fields))
        return [entry for entry in entries(plan) if plan.cells[entry.cell].role == "random_policy"]

    expected = [EpisodeId(1, 0, episode) for episode in range(REFERENCE_GAMES)]
    assert reference(seeds=1, episodes_per_seed=1) == expected
    assert reference(seeds=[7, 9], episodes_per_seed=40) == expected


def test_the_random_policy_plays_more_where_games_are_short() -> None:
    record = make_record(attacks=["none"])
    plan = make_plan(record, CARD, CARTPOLE, default_precision="fp32")
    played = [entry for entry in entries(plan) if plan.cells[entry.cell].role == "random_policy"]
    assert played == [EpisodeId(1, 0, episode) for episode in range(REFERENCE_EPISODES)]


def test_the_ce_cells_are_played_greedily_as_well_and_the_random_policy_once() -> None:
    plan = plan_of(spec_of(attacks=["none", "ce"], epsilon=[1, 4]))
    assert [(cell.label, cell.role, cell.action_mode) for cell in plan.cells] == [
        ("none", "cell", "sample"),
        ("ce@1", "cell", "sample"),
        ("ce@4", "cell", "sample"),
        ("ce@1 (greedy)", "greedy", "greedy"),
        ("ce@4 (greedy)", "greedy", "greedy"),
        ("random policy", "random_policy", "sample"),
    ]


def test_a_chosen_action_mode_adds_no_cells() -> None:
    plan = plan_of(spec_of(attacks=["none", "ce"], action_mode="greedy"))
    assert [cell.role for cell in plan.cells] == ["cell", "cell", "random_policy"]
    assert {cell.action_mode for cell in plan.cells if cell.role == "cell"} == {"greedy"}


def test_cells_are_numbered_as_they_lie() -> None:
    plan = plan_of(spec_of())
    assert [cell.index for cell in plan.cells] == list(range(len(plan.cells)))


@pytest.mark.parametrize(("seeds", "per_seed", "lanes"), [(1, 1, 8), (2, 3, 16), (10, 3, 32), (30, 8, 64)])
def test_all_shards_have_one_width_that_follows_from_the_size(seeds: int, per_seed: int, lanes: int) -> None:
    plan = plan_of(spec_of(seeds=seeds, episodes_per_seed=per_seed))
    assert {shard.lanes for shard in plan.shards} == {lanes}
    assert all(shard.entries for shard in plan.shards)


def test_gradient_episodes_come_first_so_that_batches_are_alike() -> None:
    plan = plan_of(spec_of(seeds=10))
    uses_gradient = [plan.cells[entry.cell].attack.uses_gradient for entry in entries(plan)]
    assert uses_gradient == sorted(uses_gradient, reverse=True)


def test_results_are_shared_by_whatever_means_the_same() -> None:
    """A label is no part of a key; epsilon, steps and the batch width are."""
    key = {cell.label: cell.key for cell in plan_of(spec_of(attacks=["none", "ce"])).cells}
    renamed = plan_of(spec_of(attacks=["none", {"kind": "ce", "label": "policy attack"}])).cells
    assert renamed[1].key == key["ce@4"]
    longer = plan_of(spec_of(attacks=["none", {"kind": "ce", "steps": 8}])).cells
    assert longer[1].key != key["ce@4"]
    assert longer[0].key == key["none"]
    wider = plan_of(spec_of(attacks=["none", "ce"], seeds=20)).cells
    assert wider[0].key != key["none"]


def test_cells_that_mean_the_same_are_played_once() -> None:
    plan = plan_of(spec_of(attacks=["none", "ce", {"kind": "ce", "label": "again"}], action_mode="greedy"))
    assert plan.cells[1].key == plan.cells[2].key
    assert {entry.cell for entry in entries(plan)} == {0, 1, 3}


def test_a_plan_survives_its_own_json() -> None:
    plan = plan_of(spec_of())
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_a_plan_follows_from_its_specification_alone() -> None:
    assert plan_of(spec_of()) == plan_of(spec_of())


@pytest.mark.parametrize(
    ("environment", "asked", "planned"),
    [
        (describe_atari(EnvironmentSpec(id="BoxingNoFrameskip-v4")), None, "bf16"),
        (CARTPOLE, None, "fp32"),
        (CARTPOLE, "bf16", "bf16"),
    ],
)
def test_what_a_machine_computes_in_is_for_pictures_unless_asked_for(
    environment: EnvironmentDescription, asked: Precision | None, planned: Precision
) -> None:
    """On vectors bf16 is slower, and too coarse for the logarithms of narrow Gaussians."""
    record = make_record(env=environment.env.id, epsilon=1, precision=asked)
    assert make_plan(record, CARD, environment, default_precision="bf16").precision == planned
