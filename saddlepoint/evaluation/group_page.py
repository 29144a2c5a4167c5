"""The comparison of methods as one HTML page that opens offline; its script sorts the tables and does nothing else."""

from typing import Any

from markupsafe import Markup

from saddlepoint.assets import script
from saddlepoint.evaluation import formatting
from saddlepoint.evaluation.comparison_page import environment_text
from saddlepoint.evaluation.comparison_table import name
from saddlepoint.evaluation.figures import COLOURS, LAYOUTS
from saddlepoint.evaluation.group_chart import Dot, Row, group_chart
from saddlepoint.evaluation.group_table import group_decimals
from saddlepoint.evaluation.html import page_environment
from saddlepoint.schemas.group_comparisons import GroupedCell, GroupsResult

MAX_ROWS = 12
"""Of the figure; the table has all cells."""


def render_groups(result: GroupsResult) -> str:
    """The page. Equal comparisons give equal bytes; every text in it is escaped."""
    return page_environment().get_template("groups.html").render(_context(result))


def _context(result: GroupsResult) -> dict[str, Any]:
    env_id, setting = str(result.env.get("id", "")), dict(result.setting)
    attacks = setting.pop("attacks", {})
    columns = [*((_title(cell, result), cell) for cell in result.cells)]
    columns += [(f"{_title(cell, result)}, greedy", cell) for cell in result.greedy_cells]
    return {
        "result": result,
        "env_id": env_id,
        "decimals": group_decimals(result),
        "units": formatting.epsilon_units(env_id),
        "columns": columns,
        "several": max(len(group.runs) for group in result.groups) > 1,
        "colour_of": colour_of,
        "max_rows": MAX_ROWS,
        "figure": _figure(result),
        "attacks": attacks,
        "shared": {**setting, "env": environment_text(env_id, setting.get("env", {}))},
        "script": Markup(script("sort")),
    }


def colour_of(index: int) -> int:
    """The colour class of a method by its place."""
    return 1 + index % (COLOURS - 1)


def _title(cell: GroupedCell, result: GroupsResult) -> str:
    several = len({each.epsilon for each in result.cells if each.attack != "none"}) > 1
    label = name(cell)
    return f"{label} @ {formatting.plain(cell.epsilon)}" if several and cell.attack != "none" else label


def _figure(result: GroupsResult) -> Markup:
    rows = [Row(_title(cell, result), _dots(cell, result)) for cell in result.cells[:MAX_ROWS]]
    title = "Mean return of every method under each attack, with 95% intervals"
    return Markup("".join(group_chart(rows, result.random_policy.mean, title, layout) for layout in LAYOUTS))


def _dots(cell: GroupedCell, result: GroupsResult) -> list[Dot]:
    decimals = group_decimals(result)
    return [
        Dot(
            label=group.title,
            value=f"{formatting.number(score.mean, decimals)} {formatting.interval(score.ci95, decimals)}".strip(),
            colour=colour_of(index),
            mean=score.mean,
            ci95=score.ci95,
        )
        for index, (group, score) in enumerate(zip(result.groups, cell.scores, strict=True))
    ]
