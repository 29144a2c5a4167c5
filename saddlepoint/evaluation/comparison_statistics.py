"""Statistics of groups of training runs: one run is judged by its episodes, several by how they differ.

A run is the returns of its episodes, ordered by (seed, episode); all runs have the same episodes. What varies on its
own, the unit, is the episode where a group is one run, and the run where it is several: the episodes of one run say
nothing of another training.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from saddlepoint.evaluation.statistics import (
    BOOTSTRAP_FROM,
    BOOTSTRAP_SEED,
    CONFIDENCE,
    RESAMPLES,
    Estimate,
    Floats,
    estimate,
    normalized,
    percentile_interval,
    resampled_means,
)
from saddlepoint.evaluation.student import t_quantile

BOOTSTRAP_RUNS_FROM = 10
"""Runs; below, the interval is Student's over their means."""

Runs = Sequence[ArrayLike]


def group_mean(runs: Runs) -> Estimate:
    """The mean over runs, which count alike: over episodes of one run, over the means of a few, over many by bootstrap.

    From 10 runs on runs are drawn anew and, within each, its episodes.
    """
    sample = units(runs)
    if len(runs) < BOOTSTRAP_RUNS_FROM:
        return _with_method(estimate(sample), _over(runs))
    interval = percentile_interval(_resampled(runs), len(runs))
    return Estimate(float(sample.mean()), interval, f"bootstrap over {len(runs)} runs and their episodes")


def group_difference(candidate: Runs, baseline: Runs, *, paired: bool) -> Estimate:
    """The mean of candidate - baseline.

    `paired` groups have as many runs, each beside the one that it belongs to, and are compared episode by episode.
    Others are two samples of unequal variance (Welch); both are resampled where both have 10 runs or more.
    """
    if paired:
        pairs = [_array(ours) - _array(theirs) for ours, theirs in zip(candidate, baseline, strict=True)]
        found = group_mean(pairs)
        return Estimate(found.mean, found.ci95, f"paired {found.method}" if found.ci95 else found.method)
    if min(len(candidate), len(baseline)) < BOOTSTRAP_RUNS_FROM:
        found = _welch(units(candidate), units(baseline))
        return _with_method(found, f"{_over(candidate)} and {_over(baseline)}")
    resampled = _resampled(candidate) - _resampled(baseline, stream=1)
    interval = percentile_interval(resampled, min(len(candidate), len(baseline)))
    mean = float(units(candidate).mean() - units(baseline).mean())
    return Estimate(mean, interval, f"bootstrap over {len(candidate)} and {len(baseline)} runs and their episodes")


def share_kept(runs: Runs, clean: Runs, random_policy: ArrayLike, *, paired: bool) -> Estimate | None:
    """What `runs` keep of the clean return of others, above the random policy's; see `normalized`.

    `paired` where each of `runs` belongs to the one of `clean` beside it.
    """
    return normalized(units(runs), units(clean), random_policy, paired=paired)


def units(runs: Runs) -> Floats:
    """What varies independently: the episodes of a single run, the means of several."""
    if len(runs) == 1:
        return _array(runs[0])
    return np.array([_array(run).mean() for run in runs])


def _array(run: ArrayLike) -> Floats:
    return np.asarray(run, dtype=np.float64)


def _over(runs: Runs) -> str:
    return f"{len(runs)} runs" if len(runs) > 1 else f"{len(_array(runs[0]))} episodes"


def _with_method(found: Estimate, over: str) -> Estimate:
    """The estimate with a method that names its units."""
    if found.ci95 is None:
        return found
    kind = {"t": "t", "bootstrap": "bootstrap", "welch": "Welch's t"}[found.method.partition(",")[0]]
    return Estimate(found.mean, found.ci95, f"{kind} over {over}")


def _welch(candidate: Floats, baseline: Floats) -> Estimate:
    """The difference of two means of samples that may vary differently (Welch 1947, Satterthwaite's degrees)."""
    mean = float(candidate.mean() - baseline.mean())
    if min(len(candidate), len(baseline)) < 2:
        return Estimate(mean, None, "none: a single episode")
    squares = [float(sample.var(ddof=1)) / len(sample) for sample in (candidate, baseline)]
    total = sum(squares)
    if total == 0:
        return Estimate(mean, (mean, mean), "welch")
    shares = zip(squares, (candidate, baseline), strict=True)
    degrees = total**2 / sum(square**2 / (len(sample) - 1) for square, sample in shares)
    half = t_quantile((1 + CONFIDENCE) / 2, degrees) * math.sqrt(total)
    return Estimate(mean, (mean - half, mean + half), "welch")


def _resampled(runs: Runs, *, stream: int = 0) -> Floats:
    """10,000 means of runs drawn anew, each with its episodes drawn anew; another `stream` draws independently."""
    rng = np.random.default_rng([BOOTSTRAP_SEED, stream])
    means = np.stack([resampled_means(_array(run)) for run in runs])
    drawn = rng.integers(len(runs), size=(len(runs), RESAMPLES))
    # A run that is drawn twice has its episodes drawn twice: each slot takes one of the run's means at random.
    found: Floats = means[drawn, rng.integers(RESAMPLES, size=drawn.shape)].mean(axis=0)
    return found


def statistics_used() -> dict[str, object]:
    """What a comparison's statistics mean."""
    return {
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "bootstrap_seed": BOOTSTRAP_SEED,
        "one run a side": "differences are paired by (seed, episode); intervals are the evaluation noise of these two "
        f"policies (Student's t below {BOOTSTRAP_FROM} episodes, bootstrap from there on) and say nothing about "
        "another training run",
        "several runs": f"intervals over runs: Student's t over their means below {BOOTSTRAP_RUNS_FROM}, bootstrap of "
        "runs and then of their episodes from there on; differences are paired where each candidate was trained from "
        "the baseline beside it, and Welch's otherwise",
        "kept": "(mean - random policy) / (baseline without attack - random policy); all three are resampled together, "
        "each spread as Student's t has it",
    }
