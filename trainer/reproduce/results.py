"""What the stored reports of a study say, by game, method and attack."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from saddlepoint.evaluation.comparison_statistics import group_mean
from saddlepoint.evaluation.statistics import Estimate
from saddlepoint.schemas.reports import Cell, RobustnessReport
from trainer.reproduce import paper
from trainer.reproduce.models import runs_of
from trainer.reproduce.study import Study

GREEDY = "ce, greedy"
ROWS = (*paper.ATTACKS, GREEDY)


@dataclass(frozen=True)
class Results:
    """The reports of one method in one game, one a run that has been evaluated."""

    table: list[RobustnessReport]
    epsilons: list[RobustnessReport]

    @classmethod
    def of(cls, study: Study, root: Path, game: str, method: str) -> "Results":
        runs = runs_of(study, root, game, method)
        return cls(
            table=[report for run in runs if (report := run.report("table"))],
            epsilons=[report for run in runs if (report := run.report("epsilons"))],
        )

    def returns(self, row: str) -> list[list[float]]:
        """Of each run under an attack of ROWS."""
        found = [cell for report in self.table for cell in _cells(report, row)]
        return [cell.returns for cell in found]

    def pooled(self, row: str) -> Estimate | None:
        """With an interval over runs, or over the episodes of a single one; None where no run has the row."""
        returns = self.returns(row)
        return group_mean(returns) if returns else None

    def random_policy(self) -> float | None:
        """The mean return of random actions, which is the same game in every report."""
        return self.table[0].reference.random_policy.mean if self.table else None

    def steps(self) -> list[int]:
        """How long the runs were trained, as their policies' lineages say."""
        return sorted({int(report.policy["lineage"]["steps"]) for report in self.table if report.policy.get("lineage")})

    def by_epsilon(self, epsilon: float) -> list[tuple[float, Estimate]]:
        """The policy attack in balls of every size that was measured; `epsilon` is that of the table."""
        found = {0.0: self.returns("none"), epsilon: self.returns("ce")}
        for report in self.epsilons:
            for cell in report.cells:
                found.setdefault(cell.epsilon, []).append(cell.returns)
        return [(radius, group_mean(returns)) for radius, returns in sorted(found.items()) if returns]


def _cells(report: RobustnessReport, row: str) -> Iterator[Cell]:
    if row == GREEDY:
        yield from (cell for cell in report.greedy_cells if cell.attack == "ce")
    else:
        yield from (cell for cell in report.cells if cell.attack == row)
