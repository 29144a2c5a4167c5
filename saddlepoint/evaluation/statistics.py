"""The statistics of a report, in numpy alone.

The unit is the episode: with one checkpoint, episodes have seeds of their own and are independent. All intervals are
95% and mean "evaluation noise of this checkpoint"; they say nothing about another training run.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlepoint.evaluation.student import t_quantile

CONFIDENCE = 0.95
RESAMPLES = 10_000
BOOTSTRAP_SEED = 20_200_914
BOOTSTRAP_FROM = 30
"""Episodes; below, the interval is Student's."""
FEW_EPISODES = 10
"""Below, an interval is flagged: it rests on the returns being roughly normal."""
_CHUNK = 1_000_000
"""Numbers drawn at once."""

Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval, and how the interval was made."""

    mean: float
    ci95: Interval | None
    method: str


def estimate(values: ArrayLike) -> Estimate:
    """The mean of independent values: t interval below 30, bootstrap from there on, none for a single value."""
    sample = _sample(values)
    mean, method = float(sample.mean()), interval_method(len(sample))
    if len(sample) < 2:
        return Estimate(mean, None, method)
    if len(sample) < BOOTSTRAP_FROM:
        half = _t(len(sample)) * float(sample.std(ddof=1)) / len(sample) ** 0.5
        return Estimate(mean, (mean - half, mean + half), method)
    return Estimate(mean, percentile_interval(resampled_means(sample), len(sample)), method)


def interval_method(count: int) -> str:
    if count < 2:
        return "none: a single episode"
    if count < FEW_EPISODES:
        return f"t, few episodes ({count})"
    return "t" if count < BOOTSTRAP_FROM else "bootstrap"


def paired_difference(values: ArrayLike, reference: ArrayLike) -> Estimate:
    """The mean of value - reference, episode by episode; both are in the same order of (seed, episode)."""
    return estimate(_sample(values) - _sample(reference))


def normalized(
    attacked: ArrayLike, clean: ArrayLike, random_policy: ArrayLike, *, paired: bool = True
) -> Estimate | None:
    """(attacked - random policy) / (clean - random policy): 1 is the clean score, 0 that of random actions.

    None where the clean score does not beat the random policy. Attacked and clean episodes are pairs and are resampled
    as pairs (unless they are not `paired`), the random policy's on their own, all three together. The samples differ
    in size (the random policy plays few episodes), so each is widened for its own; without that five random games pass
    for a known mean. The interval is None where some resample has no positive denominator, for then the ratio has no
    bounded interval.
    """
    attacked, clean, random_policy = _sample(attacked), _sample(clean), _sample(random_policy)
    floor = random_policy.mean()
    if clean.mean() <= floor:
        return None
    ratio = float((attacked.mean() - floor) / (clean.mean() - floor))
    if min(len(attacked), len(clean), len(random_policy)) < 2:
        return Estimate(ratio, None, "none: a single episode")
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    samples = [np.stack([attacked, clean])] if paired else [attacked[None], clean[None]]
    means = np.concatenate([_widened_means(sample, rng) for sample in samples])
    floors = _widened_means(random_policy[None], rng)[0]
    above = means[1] - floors
    if above.min() <= 0:
        return Estimate(ratio, None, "none: the clean score is too close to the random policy's")
    low, high = np.quantile((means[0] - floors) / above, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(ratio, (float(low), float(high)), "bootstrap")


def resampled_means(sample: Floats) -> Floats:
    """The means of 10,000 bootstrap resamples."""
    means: Floats = _resampled_means(sample[None], np.random.default_rng(BOOTSTRAP_SEED))[0]
    return means


def percentile_interval(resampled: Floats, count: int) -> Interval:
    """The expanded percentile interval (Hesterberg 2015, section 5.3) of statistics of resamples of size `count`.

    A bootstrap distribution is too narrow by sqrt((n - 1) / n) and has the tails of a normal one; the percentiles are
    moved out to where a t interval would lie. At n = 30 they are 1.9% and 98.1% in place of 2.5% and 97.5%.
    """
    level = math.erfc(_reach(count) / math.sqrt(2)) / 2
    low, high = np.quantile(resampled, [level, 1 - level])
    return float(low), float(high)


def iqm(values: ArrayLike) -> float:
    """The interquartile mean: floor(n / 4) values are cut at either end (as scipy's trim_mean and rliable do)."""
    ordered = np.sort(_sample(values))
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def cvar10(values: ArrayLike) -> float:
    """The mean of the ceil(n / 10) lowest values."""
    ordered = np.sort(_sample(values))
    return float(ordered[: -(-len(ordered) // 10)].mean())


def standard_deviation(values: ArrayLike) -> float | None:
    """With ddof 1; None for a single value."""
    sample = _sample(values)
    return float(sample.std(ddof=1)) if len(sample) > 1 else None


def _sample(values: ArrayLike) -> Floats:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or len(sample) == 0:
        raise ValueError(f"statistics are of a non-empty list of numbers, got shape {sample.shape}")
    return sample


def _t(count: int) -> float:
    return t_quantile((1 + CONFIDENCE) / 2, count - 1)


def _reach(count: int) -> float:
    """Half a t interval in deviations of the bootstrap distribution, which is too narrow by sqrt((n - 1) / n)."""
    return _t(count) * math.sqrt(count / (count - 1))


def _widened_means(rows: Floats, rng: np.random.Generator) -> Floats:
    """`_resampled_means`, spread so that 95% of them span a t interval and not a normal one that is too narrow."""
    centre = rows.mean(axis=1, keepdims=True)
    factor = _reach(rows.shape[1]) / NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    widened: Floats = centre + (_resampled_means(rows, rng) - centre) * factor
    return widened


def _resampled_means(rows: Floats, rng: np.random.Generator) -> Floats:
    """(k, n) -> (k, 10,000) means; all rows are resampled by the same indices."""
    count = rows.shape[1]
    size = max(1, _CHUNK // count)
    means = []
    for start in range(0, RESAMPLES, size):
        drawn = rng.integers(count, size=(min(size, RESAMPLES - start), count))
        means.append(rows[:, drawn].mean(axis=2))
    return np.concatenate(means, axis=1)
