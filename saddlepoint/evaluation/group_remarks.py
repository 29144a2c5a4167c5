"""What a reader of a comparison of methods must be told beside its numbers, in plain words."""

from collections.abc import Iterator, Sequence

from saddlepoint.evaluation.comparison_remarks import number_text
from saddlepoint.evaluation.formatting import sentence
from saddlepoint.schemas.comparisons import Group, Score
from saddlepoint.schemas.group_comparisons import GroupedCell, GroupScore

_PAPER_RUNS = 5
_MANY = 3
"""Differences from the first method, each with its own 95% interval, from which on some will stand out by chance."""


def verdict(groups: Sequence[Group], worst_cases: Sequence[GroupScore]) -> str:
    """One sentence: whose worst case is the highest, whose the next, and whether their intervals tell them apart."""
    if not worst_cases:
        return "Nothing was attacked, so nothing can be said about robustness."
    ranked = sorted(zip(worst_cases, groups, strict=True), key=lambda pair: pair[0].mean, reverse=True)
    (best, winner), (second, next_best), *_ = ranked
    said = (
        f"of {len(groups)} methods {winner.title} has the highest worst case, {_said(best)}, before {next_best.title} "
        f"with {_said(second)}"
    )
    return sentence(said if _apart(best, second) else f"{said}; their intervals do not tell the two apart")


def _said(score: Score) -> str:
    bounds = (
        "" if score.ci95 is None else f" (95% interval {number_text(score.ci95[0])} to {number_text(score.ci95[1])})"
    )
    return f"{number_text(score.mean)}{bounds}"


def _apart(best: Score, second: Score) -> bool:
    """Whether neither interval reaches into the other, which is stricter than a test of the difference."""
    return best.ci95 is not None and second.ci95 is not None and best.ci95[0] > second.ci95[1]


def warnings(groups: Sequence[Group], cells: Sequence[GroupedCell]) -> list[str]:
    """What weakens the comparison, what matters most first."""
    return [*_no_scale(groups, cells), *_single(groups), *_few(groups), *_many(groups, cells)]


def _no_scale(groups: Sequence[Group], cells: Sequence[GroupedCell]) -> Iterator[str]:
    clean = next((cell for cell in cells if cell.attack == "none"), None)
    if clean is None:
        yield "Without the attack `none` there is no clean return, and no share of it can be given."
    elif clean.scores[0].kept is None:
        yield (
            f"Without attack {groups[0].title} scores {number_text(clean.scores[0].mean)}, no more than a random "
            "policy, so no share of its clean return can be given."
        )


def _single(groups: Sequence[Group]) -> Iterator[str]:
    single = [group.title for group in groups if len(group.runs) == 1]
    if single:
        yield (
            f"Of {', '.join(single)} there is one training run, whose interval is the noise of its evaluation: it says "
            "nothing about another training run of the same method."
        )


def _few(groups: Sequence[Group]) -> Iterator[str]:
    fewest = min((len(group.runs) for group in groups if len(group.runs) > 1), default=_PAPER_RUNS)
    if fewest < _PAPER_RUNS:
        yield f"The intervals over runs rest on as few as {fewest} of them; the ATPA paper trains {_PAPER_RUNS}."


def _many(groups: Sequence[Group], cells: Sequence[GroupedCell]) -> Iterator[str]:
    count = len(cells) * (len(groups) - 1)
    if count > _MANY:
        yield (
            f"There are {count} differences from {groups[0].title}, each with a 95% interval of its own: where nothing "
            "differs, about one in twenty of them leaves out zero by chance."
        )
