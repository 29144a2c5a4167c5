"""From the reports of a baseline and of a candidate to their comparison: arithmetic only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from saddlepoint.errors import NotComparable
from saddlepoint.evaluation.comparison_remarks import verdict, warnings
from saddlepoint.evaluation.comparison_statistics import group_difference, group_mean, share_kept, statistics_used
from saddlepoint.evaluation.protocol import versions
from saddlepoint.evaluation.statistics import Estimate
from saddlepoint.schemas.comparisons import (
    ComparedCell,
    ComparedRun,
    ComparisonResult,
    ComparisonSpec,
    Group,
    RandomPolicy,
    RunMean,
    Score,
)
from saddlepoint.schemas.reports import Cell, RobustnessReport

Reports = Sequence[RobustnessReport]
Role = Literal["cells", "greedy_cells"]


def compare(
    comparison_id: str,
    spec: ComparisonSpec,
    setting: dict[str, Any],
    baseline: Reports,
    candidate: Reports,
    *,
    created_at: datetime | None = None,
) -> ComparisonResult:
    """The comparison of reports that have one `setting`, in the order of `spec`. `created_at` is now unless given.

    Raises NotComparable where the reports have other cells or episodes than one another.
    """
    sides = Sides(baseline, candidate)
    cells, greedy_cells = sides.cells("cells"), sides.cells("greedy_cells")
    ours, theirs = runs_of(baseline), runs_of(candidate)
    titles = _titles(ours, theirs)
    reference = baseline[0].reference.random_policy
    return ComparisonResult(
        id=comparison_id,
        created_at=created_at or datetime.now(UTC),
        spec=spec,
        env=baseline[0].env,
        setting=setting,
        baseline=Group(title=titles[0], runs=ours),
        candidate=Group(title=titles[1], runs=theirs),
        paired=sides.paired,
        cells=cells,
        greedy_cells=greedy_cells,
        random_policy=RandomPolicy(mean=reference.mean, episodes=reference.episodes),
        verdict=verdict(cells),
        warnings=warnings(cells, greedy_cells, runs=(len(ours), len(theirs))),
        versions=versions(),
        statistics=statistics_used(),
    )


@dataclass(frozen=True)
class Sides:
    """The reports of both sides, of one setting, and how they belong together."""

    baseline: Reports
    candidate: Reports

    @property
    def paired(self) -> Literal["episodes", "runs"] | None:
        """Within what differences are taken: one run a side, or runs each trained from the one beside it."""
        if len(self.baseline) == len(self.candidate) == 1:
            return "episodes"
        parents = [(report.policy.get("lineage") or {}).get("parent") for report in self.candidate]
        return "runs" if parents == [report.policy.get("id") for report in self.baseline] else None

    def cells(self, role: Role) -> list[ComparedCell]:
        """Every cell on both sides. Raises NotComparable where a report lacks one, or has other episodes in it."""
        wanted: list[Cell] = getattr(self.baseline[0], role)
        return [
            self._compared(
                [_same(cell, report, role) for report in self.baseline],
                [_same(cell, report, role) for report in self.candidate],
            )
            for cell in wanted
        ]

    def _compared(self, baseline: Sequence[Cell], candidate: Sequence[Cell]) -> ComparedCell:
        first, paired = baseline[0], self.paired is not None
        difference = group_difference(_returns(candidate), _returns(baseline), paired=paired)
        return ComparedCell(
            attack=first.attack,
            label=first.label,
            epsilon=first.epsilon,
            action_mode=first.action_mode,
            episodes=first.episodes,
            baseline=_score(baseline, self.baseline, self._kept(baseline, paired=True)),
            candidate=_score(candidate, self.candidate, self._kept(candidate, paired=paired)),
            difference=difference.mean,
            difference_ci95=difference.ci95,
            difference_method=difference.method,
        )

    def _kept(self, cells: Sequence[Cell], *, paired: bool) -> Estimate | None:
        """Of the baseline's clean return; None where that was not played."""
        clean = [next((cell for cell in report.cells if cell.attack == "none"), None) for report in self.baseline]
        played = [cell.returns for cell in clean if cell is not None]
        if len(played) < len(clean):
            return None
        random_policy = self.baseline[0].reference.random_policy.returns
        return share_kept(_returns(cells), played, random_policy, paired=paired)


def _same(wanted: Cell, report: RobustnessReport, role: Role) -> Cell:
    """The cell of `report` that has the same attack and the same episodes."""
    cells: list[Cell] = getattr(report, role)
    for cell in cells:
        if _place(cell) == _place(wanted) and cell.seeds == wanted.seeds:
            return cell
    raise NotComparable(
        f"Evaluations are compared cell by cell; {report.id} has not the episodes of {wanted.title} "
        f"({wanted.action_mode}) that the others have. Evaluate all with one specification."
    )


def _place(cell: Cell) -> tuple[str, float, str]:
    return cell.label, cell.epsilon, cell.action_mode


def _score(cells: Sequence[Cell], reports: Reports, kept: Estimate | None) -> Score:
    mean = group_mean(_returns(cells))
    runs = [
        RunMean(evaluation_id=report.id, policy_id=str(report.policy.get("id", "")), mean=cell.mean)
        for cell, report in zip(cells, reports, strict=True)
    ]
    several = len(runs) > 1
    return Score(
        mean=mean.mean,
        ci95=mean.ci95,
        method=mean.method,
        kept=kept.mean if kept else None,
        kept_ci95=kept.ci95 if kept else None,
        best_run=max(runs, key=lambda run: run.mean) if several else None,
        worst_run=min(runs, key=lambda run: run.mean) if several else None,
    )


def _returns(cells: Sequence[Cell]) -> list[list[float]]:
    return [cell.returns for cell in cells]


def runs_of(reports: Reports) -> list[ComparedRun]:
    """What each report is of."""
    return [
        ComparedRun(
            evaluation_id=report.id,
            policy_id=str(report.policy.get("id", "")),
            name=report.policy.get("name"),
            method=(report.policy.get("lineage") or {}).get("method"),
        )
        for report in reports
    ]


def _titles(baseline: Sequence[ComparedRun], candidate: Sequence[ComparedRun]) -> tuple[str, str]:
    ours, theirs = _title(baseline) or "baseline", _title(candidate) or "candidate"
    return (ours, theirs) if ours != theirs else (f"{ours} (baseline)", f"{theirs} (candidate)")


def _title(runs: Sequence[ComparedRun]) -> str | None:
    """The method that all were trained with, else the name that all have."""
    methods, names = {run.method for run in runs}, {run.name for run in runs}
    return (methods.pop() if len(methods) == 1 else None) or (names.pop() if len(names) == 1 else None)
