"""What a reader of a report must be told beside its numbers, in plain words."""

from collections.abc import Iterator, Sequence

from saddlepoint.evaluation.statistics import FEW_EPISODES, paired_difference
from saddlepoint.schemas.gates import Standing, standing
from saddlepoint.schemas.reports import Cell, PrecisionCheck, WorstCase

_UNTRIED = (
    "If it should do better, check the observation layout (channels first or last), the pixel scale (0..1 or 0..255), "
    "the order of the stacked frames, and any normalisation it was trained with (observation_mean, observation_std); "
    "the card says how it is read."
)

_STANDINGS: dict[Standing, str] = {
    "holds": "The policy holds",
    "unproven": "The policy seems to hold, but too few episodes say so",
    "weakened": "The policy is weakened",
    "loses": "The policy loses most of its score",
    "undone": "The policy is undone",
}


def verdict(worst: WorstCase | None, clean: Cell | None, random_policy: float) -> str:
    """One sentence for a reader in a hurry."""
    if worst is None:
        return "Nothing was attacked, so nothing can be said about robustness."
    if clean is None:
        return (
            f"The worst attack found leaves a mean return of {_number(worst.mean)}; without an unattacked cell there "
            "is nothing to compare it with."
        )
    stands = standing(worst)
    if stands is None:
        return (
            f"The policy does not beat a random one even without attack ({_number(clean.mean)} against "
            f"{_number(random_policy)}), so its robustness cannot be judged."
        )
    if worst.attack == "none":
        return f"{_STANDINGS[stands]}: no attack found lowers its mean return of {_number(clean.mean)}."
    if worst.mean >= clean.mean:
        return (
            f"{_STANDINGS[stands]}: the worst attack found ({worst.label}, epsilon {worst.epsilon:g}) does not lower "
            f"its mean return of {_number(clean.mean)} on episodes that it was not chosen on ({_number(worst.mean)} "
            "there)."
        )
    return (
        f"{_STANDINGS[stands]}: the worst attack found ({worst.label}, epsilon {worst.epsilon:g}) takes the mean "
        f"return from {_number(clean.mean)} to {_number(worst.mean)}{_interval(worst)}, where a random policy has "
        f"{_number(random_policy)}{_kept(worst, stands)}."
    )


def _kept(worst: WorstCase, stands: Standing) -> str:
    """The share, and the end of its interval that a gate judges by."""
    if worst.normalized is None or stands == "undone":
        return ""
    least = worst.normalized_ci95[0] if worst.normalized_ci95 else None
    bound = "" if least is None else f" (at least {least:.0%})" if least > 0 else " (perhaps none)"
    return f", and {worst.normalized:.0%} of its lead is left{bound}"


def warnings(
    cells: Sequence[Cell],
    greedy_cells: Sequence[Cell],
    clean: Cell | None,
    random_policy: float,
    check: PrecisionCheck | None,
    hints: Sequence[str] = (),
) -> list[str]:
    """Of a whole report, what matters most first; `hints` are of a clean score that is too low."""
    every = [*cells, *greedy_cells]
    return [
        *_clean_score(clean, random_policy, hints),
        *(f"{_title(cell)}: {text}" for cell in every for text in cell.warnings),
        *(f"{_title(cell)}: {text}" for cell in every if cell.health for text in cell.health.flags),
        *_owed_to_chance(cells, greedy_cells),
        *_precision(check),
        *_few_episodes(cells),
    ]


def _clean_score(clean: Cell | None, random_policy: float, hints: Sequence[str]) -> Iterator[str]:
    if clean is not None and clean.mean <= random_policy:
        yield (
            f"Without attack the policy scores {_number(clean.mean)}, no more than the {_number(random_policy)} of a "
            f"random one. {' '.join(hints) or _UNTRIED}"
        )


def _owed_to_chance(cells: Sequence[Cell], greedy_cells: Sequence[Cell]) -> Iterator[str]:
    sampled = {cell.title: cell for cell in cells if cell.action_mode == "sample"}
    for greedy in greedy_cells:
        other = sampled.get(greedy.title)
        if other is None:
            continue
        below = paired_difference(greedy.returns, other.returns).ci95
        if below is not None and below[1] < 0:
            yield (
                f"Under {greedy.title} the policy scores {_number(greedy.mean)} with greedy actions and "
                f"{_number(other.mean)} with sampled ones: part of what it keeps under attack it owes to chance."
            )


def _precision(check: PrecisionCheck | None) -> Iterator[str]:
    if check is not None and not check.within_tolerance:
        yield (
            f"Gradients of lower precision weaken the attacks here: on {check.steps} checked steps the mean loss is "
            f"{check.mean_loss:.4g} against {check.mean_loss_fp32:.4g} in fp32 and {check.flip_rate:.1%} of the "
            f"actions flip against {check.flip_rate_fp32:.1%}. Evaluate with precision fp32."
        )


def _few_episodes(cells: Sequence[Cell]) -> Iterator[str]:
    fewest = min((cell.episodes for cell in cells), default=FEW_EPISODES)
    if fewest < FEW_EPISODES:
        yield (
            f"With {fewest} episodes a cell the intervals are wide and rest on the returns being roughly normal; "
            "tier `quick` plays 30, `standard` 150."
        )


def _title(cell: Cell) -> str:
    return f"{cell.title} (greedy)" if cell.action_mode == "greedy" else cell.title


def _interval(worst: WorstCase) -> str:
    return "" if worst.ci95 is None else f" (95% interval {_number(worst.ci95[0])} to {_number(worst.ci95[1])})"


def _number(value: float) -> str:
    """One decimal, and three digits of what lies between -1 and 1: some environments pay no more than 1 in all."""
    return f"{value:.3g}" if 0 < abs(value) < 1 else f"{value:,.1f}"
