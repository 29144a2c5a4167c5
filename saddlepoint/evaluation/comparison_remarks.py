"""What a reader of a comparison must be told beside its numbers, in plain words."""

from collections.abc import Iterator, Sequence

from saddlepoint.evaluation.formatting import plain, sentence
from saddlepoint.evaluation.statistics import FEW_EPISODES
from saddlepoint.schemas.comparisons import ComparedCell


def verdict(cells: Sequence[ComparedCell], *, candidate: str = "the candidate", baseline: str = "the baseline") -> str:
    """One sentence for a reader in a hurry: under how many attacks it is better, the lowest means, the clean price.

    Both lowest means are picked from all attacked cells, so that luck lowers them alike. `candidate` and `baseline` are
    what the two are called.
    """
    attacked = [cell for cell in cells if cell.attack != "none"]
    clean = next((cell for cell in cells if cell.attack == "none"), None)
    parts = [text for text in (_under_attack(attacked, candidate, baseline), _without_attack(clean)) if text]
    return sentence("; ".join(parts))


def _under_attack(cells: Sequence[ComparedCell], candidate: str, baseline: str) -> str:
    if not cells:
        return "nothing was attacked, so nothing can be said about robustness"
    ours, theirs = min(cell.candidate.mean for cell in cells), min(cell.baseline.mean for cell in cells)
    return (
        f"under attack {candidate} is {_counted(cells)}, and its lowest mean return is {number_text(ours)} where "
        f"{baseline}'s is {number_text(theirs)}"
    )


def _counted(cells: Sequence[ComparedCell]) -> str:
    """How many intervals of the difference lie above 0, below it, and around it."""
    better, worse = (sum(cell.sign == sign for cell in cells) for sign in (1, -1))
    said = [(better, "better in"), (worse, "worse in"), (len(cells) - better - worse, "undecided in")]
    return ", ".join(f"{what} {count}" for count, what in said if count) + f" of {len(cells)} cells"


def _without_attack(clean: ComparedCell | None) -> str:
    if clean is None:
        return ""
    interval = clean.difference_ci95
    bounds = "" if interval is None else f", 95% interval {_signed(interval[0])} to {_signed(interval[1])}"
    return (
        f"without attack it scores {number_text(clean.candidate.mean)} against {number_text(clean.baseline.mean)} "
        f"({_signed(clean.difference)}{bounds})"
    )


def warnings(
    cells: Sequence[ComparedCell], greedy_cells: Sequence[ComparedCell], *, runs: tuple[int, int]
) -> list[str]:
    """What weakens the comparison, what matters most first; `runs` are those of the baseline and the candidate."""
    return [*_no_scale(cells), *_owed_to_chance(cells, greedy_cells), *_few(cells, runs)]


def _no_scale(cells: Sequence[ComparedCell]) -> Iterator[str]:
    clean = next((cell for cell in cells if cell.attack == "none"), None)
    if clean is None:
        yield "Without the attack `none` there is no clean return, and no share of it can be given."
    elif clean.baseline.kept is None:
        yield (
            f"Without attack the baseline scores {number_text(clean.baseline.mean)}, no more than a random policy, so "
            "no share of its clean return can be given."
        )


def _owed_to_chance(cells: Sequence[ComparedCell], greedy_cells: Sequence[ComparedCell]) -> Iterator[str]:
    sampled = {cell.title: cell for cell in cells if cell.action_mode == "sample"}
    for greedy in greedy_cells:
        other = sampled.get(greedy.title)
        if other is not None and other.sign > 0 >= greedy.sign:
            yield (
                f"Under {greedy.title} the candidate gains with sampled actions ({_signed(other.difference)}) and not "
                f"with greedy ones ({_signed(greedy.difference)}): it may owe what it gained to chance."
            )


def _few(cells: Sequence[ComparedCell], runs: tuple[int, int]) -> Iterator[str]:
    fewest = min((cell.episodes for cell in cells), default=FEW_EPISODES)
    if min(runs) == 1 and fewest < FEW_EPISODES:
        yield (
            f"With {fewest} episodes a cell the intervals are wide and rest on differences being roughly normal; "
            "tier `quick` plays 30, `standard` 150."
        )
    if 1 < max(runs) < 5:
        yield f"The intervals over runs rest on {max(runs)} of them; the ATPA paper trains 5."


def _signed(value: float) -> str:
    return f"+{number_text(value)}" if value > 0 else number_text(value)


def number_text(value: float) -> str:
    """One decimal, and three digits of what lies between -1 and 1."""
    return plain(float(f"{value:.3g}")) if 0 < abs(value) < 1 else f"{value:,.1f}"
