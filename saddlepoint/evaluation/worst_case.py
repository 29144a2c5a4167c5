"""The worst cell that was found, without the luck of having picked it."""

from collections.abc import Sequence

from saddlepoint.evaluation.statistics import Estimate, estimate, normalized, paired_difference
from saddlepoint.schemas.reports import Cell, Interval, WorstCase

FEWEST_FOR_AN_INTERVAL = 4
"""Held-out episodes: of two or three, from cells chosen apart, equal values are common and say nothing of the noise."""

HALF = 0.5


def worst_case(
    cells: Sequence[Cell], clean: Cell | None = None, random_returns: Sequence[float] = ()
) -> WorstCase | None:
    """The lowest mean among `cells`, chosen on one half of the seeds and reported on the other, both ways round.

    Picking the lowest of many noisy means and reporting that same mean is biased downwards. Here the episodes of each
    half are those of the cell that the other half chose. All cells have the same episodes, ordered by (seed, episode).
    The named attack is the lowest over all seeds, and `chosen` what each half picked. Beside `clean` it is also placed
    between the random policy (0) and the clean score (1). None where nothing was attacked: a clean score is no worst
    case.
    """
    if all(cell.epsilon == 0 for cell in cells):
        return None
    overall = min(cells, key=lambda cell: cell.mean)
    chosen, returns = _held_out(cells) if len(set(overall.seeds)) > 1 else ([overall], overall.returns)
    found = estimate(returns)
    worst = WorstCase(
        attack=overall.attack,
        label=overall.label,
        epsilon=overall.epsilon,
        mean=found.mean,
        ci95=_interval(found, returns),
        selection="held_out" if len(set(overall.seeds)) > 1 else "in_sample",
        chosen=sorted({cell.title for cell in chosen}),
    )
    return worst if clean is None else _beside(worst, returns, clean, random_returns)


def _held_out(cells: Sequence[Cell]) -> tuple[list[Cell], list[float]]:
    """What the even and the odd seeds choose, and the returns of each on the other's, ordered by (seed, episode)."""
    seeds = sorted(set(cells[0].seeds))
    even, odd = set(seeds[::2]), set(seeds[1::2])
    first, second = _lowest(cells, even), _lowest(cells, odd)
    pairs = zip(first.seeds, first.returns, second.returns, strict=True)
    return [first, second], [ours if seed in odd else theirs for seed, ours, theirs in pairs]


def _beside(worst: WorstCase, returns: Sequence[float], clean: Cell, random_returns: Sequence[float]) -> WorstCase:
    difference = paired_difference(returns, clean.returns)
    score = normalized(returns, clean.returns, random_returns)
    return worst.model_copy(
        update={
            "normalized": score.mean if score else None,
            "normalized_ci95": _interval(score, returns) if score else None,
            "difference_to_clean": difference.mean,
            "difference_ci95": _interval(difference, returns),
        }
    )


def _interval(found: Estimate, returns: Sequence[float]) -> Interval | None:
    return found.ci95 if len(returns) >= FEWEST_FOR_AN_INTERVAL else None


def worst_by_epsilon(
    cells: Sequence[Cell], clean: Cell | None = None, random_returns: Sequence[float] = ()
) -> list[WorstCase]:
    """For each epsilon of an attack, the worst among the cells up to it, the unattacked ones included.

    An attacker with a larger budget may use a smaller one, and sometimes must: a sign step too large for the policy's
    curvature does less. Without that a policy could look better the harder it is hit.
    """
    epsilons = sorted({cell.epsilon for cell in cells if cell.attack != "none"})
    within = [[cell for cell in cells if cell.epsilon <= epsilon] for epsilon in epsilons]
    found = [worst_case(some, clean, random_returns) for some in within]
    return [
        worst.model_copy(update={"epsilon": epsilon})
        for epsilon, worst in zip(epsilons, found, strict=True)
        if worst is not None
    ]


def epsilon_half_score(found: Sequence[WorstCase]) -> float | None:
    """The epsilon at which half of the normalised score is left, from the worst of each epsilon, ascending.

    The lowest score so far, which is 1 at 0, is followed linearly from one epsilon to the next. None where it stays
    above a half, or nothing is normalised.
    """
    epsilon, score = 0.0, 1.0
    for worst in found:
        if worst.normalized is None:
            return None
        if worst.normalized <= HALF:
            return epsilon + (worst.epsilon - epsilon) * (score - HALF) / (score - worst.normalized)
        epsilon, score = worst.epsilon, min(score, worst.normalized)
    return None


def _lowest(cells: Sequence[Cell], seeds: set[int]) -> Cell:
    def mean(cell: Cell) -> float:
        returns = _of(cell, seeds)
        return sum(returns) / len(returns)

    return min(cells, key=mean)


def _of(cell: Cell, seeds: set[int]) -> list[float]:
    return [value for seed, value in zip(cell.seeds, cell.returns, strict=True) if seed in seeds]
