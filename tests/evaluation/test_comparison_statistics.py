"""Groups of training runs: against scipy, and by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from saddlepoint.evaluation.comparison_statistics import group_difference, group_mean, share_kept

Runs = list[NDArray[np.float64]]


def runs(count: int, episodes: int = 20, seed: int = 0, mean: float = 50.0) -> Runs:
    """Runs that differ by 10 among one another, with episodes that differ by 5."""
    rng = np.random.default_rng(seed)
    return [rng.normal(rng.normal(mean, 10), 5, episodes) for _ in range(count)]


def means(group: Runs) -> NDArray[np.float64]:
    return np.array([run.mean() for run in group])


def test_one_run_is_judged_by_its_episodes() -> None:
    (run,) = runs(1, episodes=8)
    found = group_mean([run])
    assert found.ci95 == pytest.approx(stats.t.interval(0.95, 7, loc=run.mean(), scale=stats.sem(run)))
    assert found.method == "t over 8 episodes"
    assert group_mean(runs(1, episodes=40)).method == "bootstrap over 40 episodes"


def test_a_few_runs_are_judged_by_their_means() -> None:
    group = runs(5)
    found = group_mean(group)
    expected = stats.t.interval(0.95, 4, loc=means(group).mean(), scale=stats.sem(means(group)))
    assert found.mean == pytest.approx(means(group).mean())
    assert found.ci95 == pytest.approx(expected)
    assert found.method == "t over 5 runs"


def test_many_episodes_of_few_runs_do_not_narrow_the_interval() -> None:
    """The episodes of one run say nothing of another training."""
    few, many = ([np.repeat(run, times) for run in runs(3)] for times in (1, 100))
    assert group_mean(few).ci95 == pytest.approx(group_mean(many).ci95)


def test_ten_runs_are_resampled_with_their_episodes() -> None:
    group = runs(40, episodes=10)
    found = group_mean(group)
    assert found.method == "bootstrap over 40 runs and their episodes"
    assert found.ci95 is not None
    # Resampling episodes within runs adds their variance once more: 10^2 + 5^2 / 10 between means, 5^2 / 10 within.
    spread = np.sqrt((means(group).var() + np.mean([run.var() / 10 for run in group])) / 40)
    half = stats.t.ppf(0.975, 39) * np.sqrt(40 / 39) * spread
    assert found.ci95 == pytest.approx((found.mean - half, found.mean + half), abs=0.15)


def test_the_difference_of_two_policies_is_paired_by_episode() -> None:
    luck = np.random.default_rng(1).normal(0, 40, 9)
    gains = np.array([10.0, 12, 11, 9, 10, 8, 11, 10, 9])
    found = group_difference([luck + gains], [luck], paired=True)
    test = stats.ttest_rel(luck + gains, luck).confidence_interval()
    assert found.mean == pytest.approx(10)
    assert found.ci95 == pytest.approx((test.low, test.high))
    assert found.method == "paired t over 9 episodes"


def test_runs_and_those_trained_from_them_are_pairs() -> None:
    parents = runs(4)
    children = [run + gain for run, gain in zip(parents, (5.0, 6, 4, 5), strict=True)]
    found = group_difference(children, parents, paired=True)
    test = stats.ttest_rel(means(children), means(parents)).confidence_interval()
    assert found.ci95 == pytest.approx((test.low, test.high))
    assert found.method == "paired t over 4 runs"


def test_independent_runs_are_compared_by_welchs_interval() -> None:
    ours, theirs = runs(5, seed=1, mean=70), runs(3, seed=2)
    found = group_difference(ours, theirs, paired=False)
    test = stats.ttest_ind(means(ours), means(theirs), equal_var=False).confidence_interval()
    assert found.mean == pytest.approx(means(ours).mean() - means(theirs).mean())
    assert found.ci95 == pytest.approx((test.low, test.high))
    assert found.method == "Welch's t over 5 runs and 3 runs"


def test_one_policy_beside_several_runs_brings_the_noise_of_its_episodes() -> None:
    ours, (parent,) = runs(4, seed=1, mean=70), runs(1, episodes=25)
    found = group_difference(ours, [parent], paired=False)
    test = stats.ttest_ind(means(ours), parent, equal_var=False).confidence_interval()
    assert found.ci95 == pytest.approx((test.low, test.high))
    assert found.method == "Welch's t over 4 runs and 25 episodes"


def test_many_independent_runs_are_resampled_on_both_sides() -> None:
    ours, theirs = runs(30, seed=1, mean=70), runs(30, seed=2)
    found = group_difference(ours, theirs, paired=False)
    test = stats.ttest_ind(means(ours), means(theirs), equal_var=False).confidence_interval()
    assert found.method == "bootstrap over 30 and 30 runs and their episodes"
    assert found.ci95 == pytest.approx((test.low, test.high), abs=0.6)
    assert found == group_difference(ours, theirs, paired=False)


def test_what_cannot_vary_has_no_interval() -> None:
    for found in (group_mean([[3.0]]), group_difference([[3.0]], [[1.0]], paired=True)):
        assert (found.ci95, found.method) == (None, "none: a single episode")
    found = group_difference([[3.0], [4.0]], [[1.0]], paired=False)
    assert (found.mean, found.ci95) == (2.5, None)


def test_equal_runs_differ_by_nothing() -> None:
    found = group_difference([[5.0, 5.0], [5.0, 5.0]], [[2.0, 2.0], [2.0, 2.0]], paired=False)
    assert (found.mean, found.ci95) == (3.0, (3.0, 3.0))


def test_the_share_kept_by_hand() -> None:
    found = share_kept([[6.0, 8.0]], [[9.0, 13.0]], [1.0, 1.0], paired=True)
    assert found is not None
    assert found.mean == pytest.approx(0.6)
    over_runs = share_kept([[6.0, 8.0], [3.0, 3.0]], [[9.0, 13.0]], [1.0, 1.0], paired=False)
    assert over_runs is not None
    assert over_runs.mean == pytest.approx((5 - 1) / (11 - 1))


def test_a_share_of_no_clean_score_is_none() -> None:
    assert share_kept([[6.0, 8.0]], [[1.0, 1.0]], [2.0, 2.0], paired=True) is None


@pytest.mark.parametrize(("count", "parents"), [(3, 3), (5, 1), (12, 12)])
def test_the_share_kept_covers_the_truth_as_often_as_it_says(count: int, parents: int) -> None:
    """Over trainings: the true share is that of the method, not of these runs."""
    rng, covered, trials = np.random.default_rng(3), 0, 150
    for _ in range(trials):
        ours = [rng.normal(rng.normal(60, 8), 5, 10) for _ in range(count)]
        clean = [rng.normal(rng.normal(100, 3 if parents > 1 else 0), 5, 10) for _ in range(parents)]
        found = share_kept(ours, clean, rng.normal(0, 5, 5), paired=False)
        assert found is not None
        covered += found.ci95 is None or found.ci95[0] <= 0.6 <= found.ci95[1]
    assert covered / trials >= 0.92
