import numpy as np
import pytest
from scipy import stats

from saddlepoint.evaluation.statistics import (
    BOOTSTRAP_SEED,
    RESAMPLES,
    cvar10,
    estimate,
    interval_method,
    iqm,
    normalized,
    paired_difference,
    percentile_interval,
    resampled_means,
    standard_deviation,
)


def sample(count: int, seed: int = 0) -> list[float]:
    return [float(value) for value in np.random.default_rng(seed).normal(10, 3, count)]


def test_an_estimate_of_few_values_is_scipys_t_interval() -> None:
    values = sample(7)
    expected = stats.t.interval(0.95, 6, loc=np.mean(values), scale=stats.sem(values))
    found = estimate(values)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.ci95 == pytest.approx(expected)


def test_a_single_value_has_no_interval() -> None:
    assert estimate([3.0]).ci95 is None
    assert standard_deviation([3.0]) is None


def test_an_interval_says_how_it_was_made() -> None:
    assert [interval_method(count) for count in (1, 2, 9, 10, 29, 30)] == [
        "none: a single episode",
        "t, few episodes (2)",
        "t, few episodes (9)",
        "t",
        "t",
        "bootstrap",
    ]


def test_a_constant_sample_has_an_interval_of_no_width() -> None:
    assert estimate([2.0] * 5).ci95 == (2.0, 2.0)
    assert estimate([2.0] * 40).ci95 == (2.0, 2.0)


def test_the_bootstrap_of_many_values_approaches_the_normal_interval() -> None:
    values = sample(400)
    found = estimate(values).ci95
    expected = stats.norm.interval(0.95, loc=np.mean(values), scale=stats.sem(values))
    assert found == pytest.approx(expected, abs=0.02)


def test_the_bootstrap_repeats_itself() -> None:
    assert estimate(sample(50)) == estimate(sample(50))


def test_resamples_are_drawn_with_the_recorded_seed() -> None:
    values = np.array(sample(6))
    drawn = np.random.default_rng(BOOTSTRAP_SEED).integers(6, size=(RESAMPLES, 6))
    assert np.array_equal(resampled_means(values), values[drawn].mean(axis=1))


def test_the_expanded_percentiles_are_those_of_hesterberg() -> None:
    """His table: at n = 30 the 2.5% percentile becomes the 1.9% one, at n = 10 the 0.9% one."""
    ladder = np.linspace(0, 1, 100_001)
    assert percentile_interval(ladder, 30)[0] == pytest.approx(0.0188, abs=2e-4)
    assert percentile_interval(ladder, 10)[0] == pytest.approx(0.0086, abs=2e-4)


@pytest.mark.parametrize(("count", "least"), [(5, 0.93), (15, 0.93), (30, 0.92), (80, 0.92)])
def test_intervals_cover_the_truth_as_often_as_they_say(count: int, least: float) -> None:
    """Returns of an attacked policy: a mixture of a collapse and a good game, far from normal."""
    rng, covered, trials = np.random.default_rng(7), 0, 300
    for _ in range(trials):
        good = rng.random(count) < 0.5
        interval = estimate(np.where(good, rng.normal(90, 5, count), rng.normal(20, 15, count))).ci95
        assert interval is not None
        covered += interval[0] <= 55 <= interval[1]
    assert least <= covered / trials <= 0.99


def test_a_paired_difference_drops_what_the_pairs_share() -> None:
    shared = np.array(sample(12)) * 100
    found = paired_difference(shared - 5 + np.array([0.5, -0.5] * 6), shared)
    assert found.mean == pytest.approx(-5)
    assert found.ci95 is not None
    assert found.ci95[1] < -4


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 30, 101])
def test_the_interquartile_mean_is_scipys_trimmed_mean(count: int) -> None:
    values = sample(count)
    assert iqm(values) == pytest.approx(stats.trim_mean(values, 0.25))


@pytest.mark.parametrize(
    ("count", "expected"), [(1, 0.0), (10, 0.0), (11, 0.5), (20, 0.5), (30, 1.0), (70, 3.0), (71, 3.5)]
)
def test_cvar_is_the_mean_of_the_worst_tenth_rounded_up(count: int, expected: float) -> None:
    assert cvar10(list(range(count))[::-1]) == expected


def test_the_normalized_score_by_hand() -> None:
    found = normalized([4.0, 8.0], [9.0, 11.0], [2.0, 2.0])
    assert found is not None
    assert found.mean == 0.5


def test_clean_is_one_and_the_random_policy_is_zero() -> None:
    clean, floor = sample(30), [0.0, 1.0, -1.0, 0.5, -0.5]
    own, none = normalized(clean, clean, floor), normalized([0.0] * 30, clean, floor)
    assert own is not None
    assert none is not None
    assert own.mean == 1
    assert own.ci95 == (1.0, 1.0)
    assert none.mean == 0


def test_negative_scores_are_no_trouble() -> None:
    found = normalized([-20.0] * 5, [-10.0] * 5, [-21.0] * 5)
    assert found is not None
    assert found.mean == pytest.approx(1 / 11)


@pytest.mark.parametrize("clean", [[1.0, 3.0], [0.0, 1.0]])
def test_nothing_is_normalized_by_a_clean_score_that_does_not_beat_the_random_policy(clean: list[float]) -> None:
    assert normalized([0.0, 0.0], clean, [2.0, 2.0]) is None


def test_a_clean_score_too_close_to_the_random_policys_gives_no_interval() -> None:
    found = normalized([0.0, 1.0, 2.0], [1.0, 2.0, 9.0], [1.0, 5.0, 0.0])
    assert found is not None
    assert found.ci95 is None


def test_the_interval_of_a_normalized_score_counts_all_three_sources_of_noise() -> None:
    rng = np.random.default_rng(0)
    attacked, clean = rng.normal(30, 5, 40), rng.normal(90, 5, 40)
    quiet, noisy = (normalized(attacked, clean, [0 - spread, 0, spread] * 3) for spread in (0, 30))
    assert quiet is not None
    assert noisy is not None
    assert quiet.ci95 is not None
    assert noisy.ci95 is not None
    assert noisy.ci95[1] - noisy.ci95[0] > quiet.ci95[1] - quiet.ci95[0]


@pytest.mark.parametrize(("count", "spread", "floor_spread"), [(3, 5, 1), (5, 20, 5), (40, 5, 20)])
def test_normalized_intervals_cover_the_truth_as_often_as_they_say(
    count: int, spread: float, floor_spread: float
) -> None:
    """With few episodes, and with few of the random policy beside many of the cell."""
    rng, covered, trials = np.random.default_rng(7), 0, 200
    for _ in range(trials):
        attacked, clean = rng.normal(10, spread, count), rng.normal(100, spread, count)
        found = normalized(attacked, clean, rng.normal(0, floor_spread, min(5, count)))
        assert found is not None
        covered += found.ci95 is None or found.ci95[0] <= 0.1 <= found.ci95[1]
    assert covered / trials >= 0.93


def test_statistics_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="non-empty"):
        estimate([])
