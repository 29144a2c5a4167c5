"""The comparison of methods in Markdown, as the ATPA paper's Table 1: a row an attack, a column a method."""

from collections.abc import Sequence

from saddlepoint.evaluation import formatting
from saddlepoint.evaluation.comparison_table import name, score_text
from saddlepoint.formats.markdown import escaped
from saddlepoint.schemas.group_comparisons import GroupScore, GroupsResult


def groups_to_markdown(result: GroupsResult) -> str:
    """The verdict, the table and what must be read beside it. Equal comparisons give equal text."""
    decimals = group_decimals(result)
    rows = [(name(cell), cell) for cell in result.cells]
    rows += [(f"{name(cell)} (greedy)", cell) for cell in result.greedy_cells]
    header = ["attack", "epsilon", *(escaped(group.title) for group in result.groups)]
    lines = [
        header,
        ["---"] * len(header),
        *(
            [escaped(label), _epsilon(cell.attack, cell.epsilon), *_scores(cell.scores, decimals)]
            for label, cell in rows
        ),
    ]
    if result.worst_cases:
        lines.append(["worst case found", formatting.NOTHING, *_scores(result.worst_cases, decimals)])
    counts = ", ".join(f"{len(group.runs)} of {escaped(group.title)}" for group in result.groups)
    return "\n".join(
        [
            formatting.sentence(escaped(result.verdict)),
            "",
            *(f"| {' | '.join(line)} |" for line in lines),
            "",
            f"{result.env.get('id', '')}; mean return and 95% interval over training runs ({counts}), each of "
            f"{result.cells[0].episodes if result.cells else 0} episodes a cell. Random policy: "
            f"{formatting.number(result.random_policy.mean, decimals)}.",
            *(f"- {formatting.sentence(escaped(warning))}" for warning in result.warnings),
            "",
        ]
    )


def group_decimals(result: GroupsResult) -> int:
    """Decimals that suit every return of the comparison."""
    means = [score.mean for cell in result.cells for score in cell.scores]
    return formatting.decimals_for([*means, result.random_policy.mean])


def _epsilon(attack: str, epsilon: float) -> str:
    return formatting.NOTHING if attack == "none" else formatting.plain(epsilon)


def _scores(scores: Sequence[GroupScore], decimals: int) -> list[str]:
    return [score_text(score, decimals) for score in scores]
