"""From the reports of several methods to their comparison: arithmetic only. Each is held against the first."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from saddlepoint.evaluation.comparison import Reports, Role, Sides, runs_of
from saddlepoint.evaluation.comparison_statistics import group_difference, group_mean, statistics_used
from saddlepoint.evaluation.group_remarks import verdict, warnings
from saddlepoint.evaluation.protocol import versions
from saddlepoint.schemas.comparisons import ComparedCell, Group, GroupsSpec, RandomPolicy, RunMean
from saddlepoint.schemas.group_comparisons import GroupedCell, GroupScore, GroupsResult
from saddlepoint.schemas.reports import RobustnessReport, WorstCase


def compare_groups(
    comparison_id: str,
    spec: GroupsSpec,
    setting: dict[str, Any],
    groups: Mapping[str, Reports],
    *,
    alive: Callable[[], None] = lambda: None,
    created_at: datetime | None = None,
) -> GroupsResult:
    """The comparison of reports that have one `setting`, by method in the order of `spec`.

    `alive` is called from time to time. `created_at` is now unless given. Raises NotComparable where the reports have
    other cells or episodes than one another.
    """
    first, *others = groups.values()
    sides = [Sides(first, other) for other in others]
    cells, greedy_cells = (_cells(sides, role, alive) for role in _ROLES)
    named = [Group(title=name, runs=runs_of(reports)) for name, reports in groups.items()]
    worst_cases = _worst_cases(list(groups.values()))
    reference = first[0].reference.random_policy
    return GroupsResult(
        id=comparison_id,
        created_at=created_at or datetime.now(UTC),
        spec=spec,
        env=first[0].env,
        setting=setting,
        groups=named,
        paired=[None, *(side.paired for side in sides)],
        cells=cells,
        greedy_cells=greedy_cells,
        worst_cases=worst_cases,
        random_policy=RandomPolicy(mean=reference.mean, episodes=reference.episodes),
        verdict=verdict(named, worst_cases),
        warnings=warnings(named, cells),
        versions=versions(),
        statistics=statistics_used(),
    )


_ROLES: tuple[Role, Role] = ("cells", "greedy_cells")


def _cells(sides: Sequence[Sides], role: Role, alive: Callable[[], None]) -> list[GroupedCell]:
    compared = []
    for side in sides:
        compared.append(side.cells(role))
        alive()
    return [_grouped(cells) for cells in zip(*compared, strict=True)]


def _grouped(cells: Sequence[ComparedCell]) -> GroupedCell:
    """One cell of the first method beside every other one's, from what they are in pairs."""
    cell = cells[0]
    return GroupedCell(
        attack=cell.attack,
        label=cell.label,
        epsilon=cell.epsilon,
        action_mode=cell.action_mode,
        episodes=cell.episodes,
        scores=[GroupScore(**cell.baseline.model_dump()), *map(_held_against, cells)],
    )


def _held_against(cell: ComparedCell) -> GroupScore:
    return GroupScore(
        **cell.candidate.model_dump(),
        difference=cell.difference,
        difference_ci95=cell.difference_ci95,
        difference_method=cell.difference_method,
    )


def _worst_cases(groups: Sequence[Reports]) -> list[GroupScore]:
    """Of each group, over the worst case that was found for each of its runs; empty where one has none."""
    found = [[report.worst_case for report in reports] for reports in groups]
    worst = [[each for each in runs if each is not None] for runs in found]
    if any(len(known) < len(runs) for known, runs in zip(worst, found, strict=True)):
        return []
    return [_worst_case(reports, runs, worst[0]) for reports, runs in zip(groups, worst, strict=True)]


def _worst_case(reports: Reports, runs: Sequence[WorstCase], first: Sequence[WorstCase]) -> GroupScore:
    means = [[run.mean] for run in runs]
    pooled = group_mean(means)
    several = len(runs) > 1
    ranked = sorted(zip((run.mean for run in runs), reports, strict=True), key=lambda each: each[0])
    difference = None if runs is first else group_difference(means, [[run.mean] for run in first], paired=False)
    return GroupScore(
        mean=pooled.mean,
        ci95=pooled.ci95 if several else runs[0].ci95,
        method=pooled.method if several else "of the run's own report",
        best_run=_run_mean(*ranked[-1]) if several else None,
        worst_run=_run_mean(*ranked[0]) if several else None,
        difference=difference.mean if difference else None,
        difference_ci95=difference.ci95 if difference else None,
        difference_method=difference.method if difference else None,
    )


def _run_mean(mean: float, report: RobustnessReport) -> RunMean:
    return RunMean(evaluation_id=report.id, policy_id=str(report.policy.get("id", "")), mean=mean)
