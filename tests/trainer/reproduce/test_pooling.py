"""Intervals are over runs, by hand where that can be done."""

import numpy as np
import pytest

from saddlepoint.evaluation.statistics import estimate
from trainer.reproduce.pooling import pool


def test_a_few_runs_have_a_t_interval_over_their_means() -> None:
    found = pool([[1.0, 3.0], [4.0, 4.0], [5.0, 7.0]])
    assert (found.mean, found.runs, found.episodes, found.method) == (4.0, 3, 6, "t over 3 runs")
    half = 4.302652729911275 * 2.0 / 3**0.5  # means 2, 4, 6: deviation 2; t of 2 degrees
    assert found.ci95 == pytest.approx((4.0 - half, 4.0 + half))


def test_many_episodes_do_not_narrow_the_interval_over_runs() -> None:
    few, many = pool([[2.0], [4.0], [6.0]]), pool([[2.0] * 500, [4.0] * 500, [6.0] * 500])
    assert few.ci95 == many.ci95


def test_a_single_run_has_the_noise_of_its_evaluation_and_says_so() -> None:
    found = pool([[1.0, 2.0, 6.0]])
    assert found.ci95 == estimate([1.0, 2.0, 6.0]).ci95
    assert found.method == "evaluation noise of one run (t, few episodes (3))"


def test_ten_runs_are_resampled_and_then_their_episodes() -> None:
    rng = np.random.default_rng(0)
    runs = [list(rng.normal(mean, 5.0, 20)) for mean in rng.normal(100.0, 10.0, 12)]
    found = pool(runs)
    assert found.method == "bootstrap of runs, then of episodes"
    assert found.ci95 is not None
    over_runs = estimate([float(np.mean(run)) for run in runs]).ci95
    assert over_runs is not None
    width, expected = found.ci95[1] - found.ci95[0], over_runs[1] - over_runs[0]
    assert 0.9 * expected < width < 1.2 * expected
    assert found.ci95[0] < found.mean < found.ci95[1]
