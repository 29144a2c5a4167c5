"""The comparison as one HTML page that opens offline: what was gained, under which attack, and how sure that is."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from saddlepoint.evaluation import formatting
from saddlepoint.evaluation.comparison_table import decimals_of, name
from saddlepoint.evaluation.difference_chart import Difference, difference_chart
from saddlepoint.evaluation.figures import COLOURS, LAYOUTS
from saddlepoint.evaluation.html import page_environment
from saddlepoint.schemas.comparisons import ComparedCell, ComparisonResult
from saddlepoint.schemas.environments import atari_game

MAX_ROWS = 40
"""Of the figure; the table has all cells."""


def render_comparison(result: ComparisonResult) -> str:
    """The page. Equal comparisons give equal bytes; every text in it is escaped."""
    return page_environment().get_template("comparison.html").render(comparison_context(result))


def comparison_context(result: ComparisonResult) -> dict[str, Any]:
    """What the templates of a comparison show."""
    env_id, setting = str(result.env.get("id", "")), dict(result.setting)
    attacks = setting.pop("attacks", {})
    return {
        "result": result,
        "env_id": env_id,
        "decimals": decimals_of(result),
        "units": formatting.epsilon_units(env_id),
        "rows": [(name(cell), cell) for cell in result.cells],
        "greedy_rows": [(f"{name(cell)} (greedy)", cell) for cell in result.greedy_cells],
        "several": max(len(result.baseline.runs), len(result.candidate.runs)) > 1,
        "figure": _figure(result),
        "attacks": attacks,
        "shared": {**setting, "env": environment_text(env_id, setting.get("env", {}))},
    }


def environment_text(env_id: str, env: dict[str, Any]) -> dict[str, Any] | str:
    """Without the options of frames where there are none."""
    if atari_game(env_id) is not None:
        return env
    kwargs = env.get("kwargs")
    return {"id": env_id, "kwargs": kwargs} if kwargs else env_id


def _figure(result: ComparisonResult) -> Markup:
    decimals = decimals_of(result)
    labels = list(dict.fromkeys(name(cell) for cell in result.cells if cell.attack != "none"))
    several = len({cell.epsilon for cell in result.cells if cell.attack != "none"}) > 1
    rows = [_difference(cell, labels, decimals, with_epsilon=several) for cell in result.cells[:MAX_ROWS]]
    title = "Difference of mean returns, candidate minus baseline, with 95% intervals"
    return Markup("".join(difference_chart(rows, title, layout) for layout in LAYOUTS))


def _difference(cell: ComparedCell, labels: Sequence[str], decimals: int, *, with_epsilon: bool) -> Difference:
    value, bounds = formatting.signed(cell.difference, decimals), formatting.interval(cell.difference_ci95, decimals)
    label = name(cell)
    return Difference(
        label=f"{label} @ {formatting.plain(cell.epsilon)}" if with_epsilon and cell.attack != "none" else label,
        value=f"{value} {bounds}".strip(),
        colour=0 if cell.attack == "none" else 1 + labels.index(label) % (COLOURS - 1),
        mean=cell.difference,
        ci95=cell.difference_ci95,
    )
