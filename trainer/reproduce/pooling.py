"""A cell of the table: the episodes of several training runs, with an interval over the runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from saddlepoint.evaluation.statistics import (
    BOOTSTRAP_SEED,
    RESAMPLES,
    Interval,
    estimate,
    percentile_interval,
    resampled_means,
)

RUNS_FOR_BOOTSTRAP = 10


@dataclass(frozen=True)
class Pooled:
    """A mean over runs of equally many episodes."""

    mean: float
    ci95: Interval | None
    method: str
    runs: int
    episodes: int
    """Of all runs."""


def pool(runs: Sequence[Sequence[float]]) -> Pooled:
    """The returns of each run, at least one.

    Below ten runs a t interval over their means, from ten on a bootstrap of runs and then of episodes. A single run
    has the noise of its evaluation only, which says nothing about another training.
    """
    means = [float(np.mean(run)) for run in runs]
    mean, episodes = float(np.mean(means)), sum(map(len, runs))
    if len(runs) == 1:
        alone = estimate(runs[0])
        return Pooled(mean, alone.ci95, f"evaluation noise of one run ({alone.method})", 1, episodes)
    if len(runs) < RUNS_FOR_BOOTSTRAP:
        return Pooled(mean, estimate(means).ci95, f"t over {len(runs)} runs", len(runs), episodes)
    return Pooled(mean, _two_level(runs), "bootstrap of runs, then of episodes", len(runs), episodes)


def _two_level(runs: Sequence[Sequence[float]]) -> Interval:
    """Each resample draws runs, and for each of them a resampled mean of its episodes."""
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    inner = np.stack([resampled_means(np.asarray(run, np.float64)) for run in runs])
    chosen = rng.integers(len(runs), size=(RESAMPLES, len(runs)))
    drawn = inner[chosen, rng.integers(inner.shape[1], size=chosen.shape)]
    return percentile_interval(drawn.mean(axis=1), len(runs))
