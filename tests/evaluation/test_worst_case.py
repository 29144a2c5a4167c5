import numpy as np
import pytest

from saddlepoint.evaluation.fold import fold_cell
from saddlepoint.evaluation.worst_case import epsilon_half_score, worst_by_epsilon, worst_case
from saddlepoint.schemas.reports import Cell
from tests.attacks.toys import attack
from tests.evaluation.episodes import plan_of, result, spec_of
from tests.evaluation.plans import NONE, cell


def folded(name: str, returns: list[float], *, epsilon: float = 4.0, per_seed: int = 1) -> Cell:
    planned = cell(0, attack("ce", epsilon) if name != "none" else NONE, name=name)
    episodes = [
        result(seed=index // per_seed, episode=index % per_seed, episode_return=value)
        for index, value in enumerate(returns)
    ]
    return fold_cell(plan_of(spec_of()), planned, episodes)


def test_each_half_of_the_seeds_reports_what_the_other_half_chose() -> None:
    """`a` is lowest on the even seeds, `b` on the odd ones: held out, both look bad no longer."""
    a, b = folded("a", [0.0, 9.0, 1.0, 9.0]), folded("b", [8.0, 2.0, 8.0, 3.0])
    worst = worst_case([a, b])
    assert worst is not None
    assert worst.mean == (9 + 9 + 8 + 8) / 4
    assert worst.chosen == ["a@4", "b@4"]
    assert worst.selection == "held_out"
    assert worst.label == "a"


def test_where_both_halves_agree_it_is_the_mean_of_that_cell() -> None:
    worst = worst_case([folded("none", [9.0] * 4), folded("a", [1.0, 2.0, 3.0, 4.0]), folded("b", [5.0] * 4)])
    assert worst is not None
    assert (worst.label, worst.mean, worst.chosen) == ("a", 2.5, ["a@4"])


def test_the_worst_case_is_placed_between_the_random_policy_and_the_clean_score() -> None:
    clean, attacked = folded("none", [10.0, 8.0, 12.0, 10.0]), folded("a", [4.0, 2.0, 6.0, 4.0])
    worst = worst_case([clean, attacked], clean, [0.0, 0.0])
    assert worst is not None
    assert (worst.normalized, worst.difference_to_clean, worst.difference_ci95) == (0.4, -6.0, (-6.0, -6.0))
    assert worst.normalized_ci95 is not None
    assert worst.normalized_ci95[0] < 0.4 < worst.normalized_ci95[1]


def test_held_out_returns_are_compared_with_the_clean_ones_of_their_own_seeds() -> None:
    """`a` is lowest on even seeds, so its odd ones count; each return lies 1 below the clean one of its seed."""
    clean = folded("none", [20.0, 10.0, 30.0, 40.0])
    a, b = folded("a", [0.0, 9.0, 0.0, 39.0]), folded("b", [19.0, 0.0, 29.0, 0.0])
    worst = worst_case([clean, a, b], clean, [0.0, 0.0])
    assert worst is not None
    assert (worst.difference_to_clean, worst.difference_ci95) == (-1.0, (-1.0, -1.0))


def test_with_one_seed_nothing_can_be_held_out() -> None:
    worst = worst_case([folded("a", [1.0, 3.0], per_seed=2), folded("b", [4.0, 4.0], per_seed=2)])
    assert worst is not None
    assert (worst.mean, worst.selection) == (2.0, "in_sample")


def test_the_unattacked_cell_can_be_the_worst() -> None:
    worst = worst_case([folded("none", [1.0, 1.0]), folded("a", [2.0, 2.0])])
    assert worst is not None
    assert worst.attack == "none"


def test_holding_out_takes_away_the_luck_of_the_draw() -> None:
    """Twenty cells of pure noise around 50: the lowest mean is far below, the held-out one is not."""
    rng = np.random.default_rng(0)
    differences, picked = [], []
    for _ in range(50):
        cells = [folded(f"cell {index}", rng.normal(50, 10, 10).tolist()) for index in range(20)]
        worst = worst_case(cells)
        assert worst is not None
        differences.append(worst.mean - 50)
        picked.append(min(cell.mean for cell in cells) - 50)
    assert np.mean(picked) < -5
    assert np.mean(differences) == pytest.approx(0, abs=1.5)


def test_each_epsilon_has_its_own_worst() -> None:
    cells = [
        folded("none", [5.0, 5.0]),
        folded("a", [9.0, 9.0], epsilon=1.0),
        folded("a", [3.0, 3.0], epsilon=2.0),
        folded("b", [2.0, 2.0], epsilon=2.0),
    ]
    found = [(worst.epsilon, worst.label, worst.mean) for worst in worst_by_epsilon(cells)]
    assert found == [(1.0, "none", 5.0), (2.0, "b", 2.0)]


def test_a_larger_epsilon_includes_what_a_smaller_one_found() -> None:
    """At 4 the attack overshoots: the worst up to 4 is still that of 2."""
    cells = [
        folded("none", [9.0, 9.0], epsilon=0.0),
        folded("a", [3.0, 3.0], epsilon=2.0),
        folded("a", [6.0, 6.0], epsilon=4.0),
    ]
    found = [(worst.epsilon, worst.mean, worst.chosen) for worst in worst_by_epsilon(cells)]
    assert found == [(2.0, 3.0, ["a@2"]), (4.0, 3.0, ["a@2"])]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.75, 0.25], 3.0),
        ([0.25], 4 / 3),
        ([0.5], 2.0),
        ([0.9, 0.8], None),
        ([0.6, 0.8, 0.4], 5.0),
        ([1.2, 0.0], 3.0),
        ([None], None),
        ([], None),
    ],
)
def test_half_of_the_score_is_lost_where_the_lowest_so_far_crosses_a_half(
    scores: list[float | None], expected: float | None
) -> None:
    """At epsilons 2, 4 and 6; the third is where it had risen in between: from 0.6, not from 0.8."""
    found = worst_case([folded("a", [1.0, 1.0])])
    assert found is not None
    series = [
        found.model_copy(update={"epsilon": 2.0 * (index + 1), "normalized": score})
        for index, score in enumerate(scores)
    ]
    half = epsilon_half_score(series)
    assert half == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("names", [[], ["none"], ["none", "a"], ["a"]])
def test_where_nothing_was_attacked_there_is_no_worst(names: list[str]) -> None:
    cells = [folded(name, [5.0, 5.0], epsilon=0.0) for name in names]
    assert worst_case(cells) is None
    assert worst_by_epsilon(cells) == []


@pytest.mark.parametrize(("seeds", "has_interval"), [(2, False), (3, False), (4, True)])
def test_two_or_three_episodes_give_no_interval(seeds: int, has_interval: bool) -> None:
    worst = worst_case([folded("a", [float(seed) for seed in range(seeds)])])
    assert worst is not None
    assert (worst.ci95 is not None) == has_interval
