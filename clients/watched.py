"""Evaluations and trainings as the client hands them out: the states of the schema, with ways to look at them."""

from typing import TYPE_CHECKING

from clients.table import Table
from clients.tables import evaluation_table
from saddlepoint.schemas import evaluations, trainings

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Evaluation(evaluations.Evaluation):
    """A state of an evaluation."""

    def _repr_html_(self) -> str:
        return evaluation_table(self).html()


class Training(trainings.Training):
    """A state of a training."""

    def _repr_html_(self) -> str:
        progress = self.progress
        row = [
            self.spec.method,
            self.spec.env.id,
            self.status,
            f"{progress.steps_done:,} of {progress.steps_planned:,}",
        ]
        notes = [f"Training {self.id}", *([f"Policy {self.policy_id}"] if self.policy_id else [])]
        notes += [self.error.detail] if self.error else []
        return Table(("method", "environment", "status", "steps"), [row], notes=notes).html()

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The return of the acting policy as it learned (Figure 2). Raises InvalidRequest without matplotlib."""
        from clients.plots import learning_curve

        return learning_curve(self.progress.curve, self.spec.method, ax)
