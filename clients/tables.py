"""What is shown of results: a row a cell."""

from collections.abc import Sequence

from clients.table import Table
from saddlepoint.schemas.comparisons import ComparedCell, ComparisonResult, Score
from saddlepoint.schemas.evaluations import Evaluation
from saddlepoint.schemas.gates import Gate
from saddlepoint.schemas.group_comparisons import GroupedCell, GroupsResult
from saddlepoint.schemas.leaderboard import Board, Standing
from saddlepoint.schemas.reports import Cell, Interval, RobustnessReport

_REPORT_HEADER = ("attack", "epsilon", "episodes", "mean", "95% interval", "IQM", "CVaR10", "normalized", "flips", "KL")
_REPORT_SPARE = tuple(_REPORT_HEADER.index(name) for name in ("IQM", "KL", "CVaR10", "episodes"))

_GATE_HEADER = ("check", "verdict", "value", "95% bound", "threshold")


def report_table(report: RobustnessReport) -> Table:
    """The cells of a report, the greedy ones after them, the reference and the verdict."""
    greedy = [_row(cell, f"{cell.label} (greedy)") for cell in report.greedy_cells]
    rows = [_row(cell, cell.label) for cell in report.cells] + greedy
    reference = report.reference.random_policy
    notes = [f"Random policy: mean {reference.mean:.2f} over {reference.episodes} episodes.", report.verdict]
    notes += _warned(report.warnings)
    return Table(_REPORT_HEADER, rows, _numbers_after_the_first(_REPORT_HEADER), notes, _REPORT_SPARE)


def gate_table(gate: Gate) -> Table:
    """The checks of a gate, and the verdict."""
    rows = [
        [
            check.title,
            "passed" if check.passed else "failed",
            *(_number(number, "{:.4g}") for number in (check.value, check.bound, check.threshold)),
        ]
        for check in gate.checks
    ]
    said = [check.sentence for check in gate.checks if not check.passed] or [gate.sentence]
    return Table(_GATE_HEADER, rows, frozenset({2, 3, 4}), said)


def evaluation_table(evaluation: Evaluation) -> Table:
    """The cells that are finished, and how far the rest is."""
    progress = evaluation.progress
    notes = [
        f"Evaluation {evaluation.id} is {evaluation.status}: "
        f"{progress.episodes_done:,} of {progress.episodes_planned:,} episodes."
    ]
    notes += [evaluation.error.detail] if evaluation.error else []
    rows = [_row(cell, f"{cell.label} ({cell.action_mode})") for cell in evaluation.cells]
    return Table(_REPORT_HEADER, rows, _numbers_after_the_first(_REPORT_HEADER), notes)


def comparison_table(comparison: ComparisonResult) -> Table:
    """The cells of a comparison, the greedy ones after them, and the verdict."""
    titles = [group.title for group in (comparison.baseline, comparison.candidate)]
    several = max(len(group.runs) for group in (comparison.baseline, comparison.candidate)) > 1
    header = ["attack", "epsilon", *titles, "difference", "95% interval", *(f"kept, {title}" for title in titles)]
    header += [f"runs, {title}" for title in titles] if several else []
    greedy = [_compared_row(cell, f"{cell.label} (greedy)", several) for cell in comparison.greedy_cells]
    rows = [_compared_row(cell, cell.label, several) for cell in comparison.cells] + greedy
    return Table(header, rows, _numbers_after_the_first(header), [comparison.verdict, *_warned(comparison.warnings)])


def _numbers_after_the_first(header: Sequence[str]) -> frozenset[int]:
    return frozenset(range(1, len(header)))


def _warned(warnings: Sequence[str]) -> list[str]:
    return [f"Warning: {warning}" for warning in warnings]


def groups_table(comparison: GroupsResult) -> Table:
    """A row a method, a column an attack, the worst case first; and the verdict."""
    cells = [(cell, cell.title) for cell in comparison.cells]
    cells += [(cell, f"{cell.title} (greedy)") for cell in comparison.greedy_cells]
    worst = ["worst case"] if comparison.worst_cases else []
    header = ["method", "runs", *worst, *(title for _, title in cells)]
    rows = [_group_row(comparison, index, [cell for cell, _ in cells]) for index in range(len(comparison.groups))]
    return Table(header, rows, _numbers_after_the_first(header), [comparison.verdict, *_warned(comparison.warnings)])


def _group_row(comparison: GroupsResult, index: int, cells: Sequence[GroupedCell]) -> list[str]:
    worst = [_with_interval(comparison.worst_cases[index])] if comparison.worst_cases else []
    group = comparison.groups[index]
    return [group.title, str(len(group.runs)), *worst, *(_with_interval(cell.scores[index]) for cell in cells)]


def boards_text(boards: Sequence[Board]) -> str:
    """A table a board under its environment and attacks."""
    return "\n\n".join(map(_board_text, boards)) or "No evaluation has succeeded yet."


def _board_text(board: Board) -> str:
    header = ["#", "policy", "method", "worst case", "95% interval", "attack", "score left", "clean", "evaluation"]
    rows = [_standing_row(board.first + index, standing) for index, standing in enumerate(board.items)]
    attacks = ", ".join(board.setting["attacks"])
    table = Table(header, rows, frozenset({0, 3, 4, 6, 7})).text()
    return f"{board.env}: {attacks}; {board.size} evaluated\n{table}"


def _standing_row(place: int, standing: Standing) -> list[str]:
    worst, clean = standing.worst, standing.clean
    return [
        str(place),
        standing.name or standing.policy_id[:8],
        standing.method or "-",
        _number(worst.mean if worst else None, "{:.2f}"),
        interval_text(worst.ci95 if worst else None),
        worst.label if worst else "-",
        _number(worst.normalized if worst else None, "{:.1%}"),
        _number(clean.mean if clean else None, "{:.2f}"),
        standing.evaluation_id,
    ]


def _with_interval(score: Score) -> str:
    return f"{score.mean:.2f}" if score.ci95 is None else f"{score.mean:.2f} {interval_text(score.ci95)}"


def _compared_row(cell: ComparedCell, name: str, several: bool) -> list[str]:
    sides = (cell.baseline, cell.candidate)
    return [
        name,
        f"{cell.epsilon:g}",
        *(f"{side.mean:.2f}" for side in sides),
        f"{cell.difference:+.2f}",
        interval_text(cell.difference_ci95),
        *(_number(side.kept, "{:.1%}") for side in sides),
        *(_runs(side) for side in sides if several),
    ]


def _runs(score: Score) -> str:
    """The worst and the best."""
    if score.worst_run is None or score.best_run is None:
        return "-"
    return f"{score.worst_run.mean:.2f} to {score.best_run.mean:.2f}"


def _row(cell: Cell, name: str) -> list[str]:
    return [
        name,
        f"{cell.epsilon:g}",
        str(cell.episodes),
        f"{cell.mean:.2f}",
        interval_text(cell.ci95),
        f"{cell.iqm:.2f}",
        f"{cell.cvar10:.2f}",
        _number(cell.normalized, "{:.2f}"),
        _number(cell.flip_rate, "{:.1%}") if cell.mean_action_shift is None else f"{cell.mean_action_shift:.3g} off",
        _number(cell.mean_kl, "{:.3f}"),
    ]


def interval_text(interval: Interval | None) -> str:
    return "-" if interval is None else f"[{interval[0]:.2f}, {interval[1]:.2f}]"


def _number(value: float | None, pattern: str) -> str:
    return "-" if value is None else pattern.format(value)
