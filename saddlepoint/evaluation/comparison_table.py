"""The comparison in Markdown, in the shape of the ATPA paper's Table 1: a row an attack, a column a method."""

from saddlepoint.evaluation import formatting
from saddlepoint.formats.markdown import escaped, table
from saddlepoint.schemas.comparisons import ComparedCell, ComparisonResult, Score
from saddlepoint.schemas.group_comparisons import GroupedCell


def to_markdown(result: ComparisonResult) -> str:
    """The verdict, the table and what must be read beside it. Equal comparisons give equal text."""
    greedy = [(f"{name(cell)} (greedy)", cell) for cell in result.greedy_cells]
    rows = [*((name(cell), cell) for cell in result.cells), *greedy]
    decimals = decimals_of(result)
    titles = [escaped(group.title) for group in (result.baseline, result.candidate)]
    header = ["attack", "epsilon", *titles, "difference", *(f"kept, {title}" for title in titles)]
    lines = [_row(label, cell, decimals) for label, cell in rows]
    runs = [len(result.baseline.runs), len(result.candidate.runs)]
    return "\n".join(
        [
            formatting.sentence(escaped(result.verdict)),
            "",
            *table(header, lines),
            "",
            f"{result.env.get('id', '')}; mean return and 95% interval of {runs[0]} and {runs[1]} runs, each of "
            f"{result.cells[0].episodes if result.cells else 0} episodes a cell. Random policy: "
            f"{formatting.number(result.random_policy.mean, decimals)}.",
            *(f"- {formatting.sentence(escaped(warning))}" for warning in result.warnings),
            "",
        ]
    )


def name(cell: ComparedCell | GroupedCell) -> str:
    """The attack's name without its epsilon, which is shown beside it."""
    return cell.label.removesuffix(f"@{cell.epsilon:g}")


def decimals_of(result: ComparisonResult) -> int:
    """Decimals that suit every return of the comparison."""
    scores = [score.mean for cell in result.cells for score in (cell.baseline, cell.candidate)]
    return formatting.decimals_for([*scores, result.random_policy.mean])


def _row(label: str, cell: ComparedCell, decimals: int) -> list[str]:
    sides = (cell.baseline, cell.candidate)
    change = _with(formatting.signed(cell.difference, decimals), cell.difference_ci95, decimals)
    shares = [formatting.share(side.kept) for side in sides]
    epsilon = formatting.NOTHING if cell.attack == "none" else formatting.plain(cell.epsilon)
    return [escaped(label), epsilon, *(score_text(side, decimals) for side in sides), change, *shares]


def score_text(score: Score, decimals: int) -> str:
    """The mean, its interval, and the worst and the best run where there are several."""
    text = _with(formatting.number(score.mean, decimals), score.ci95, decimals)
    if score.best_run is None or score.worst_run is None:
        return text
    worst, best = (formatting.number(run.mean, decimals) for run in (score.worst_run, score.best_run))
    return f"{text} (runs {worst} to {best})"


def _with(text: str, bounds: tuple[float, float] | None, decimals: int) -> str:
    return " ".join([text, *([formatting.interval(bounds, decimals)] if bounds else [])])
