"""The finished cells of an evaluation that is watched: its later states leave out what was told once."""

from clients.jobs import J
from clients.watched import Evaluation
from saddlepoint.schemas.reports import Cell


class FinishedCells:
    """Every cell that was heard of, in that order."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, float, str], Cell] = {}

    def add(self, cell: Cell) -> None:
        self._cells[cell.label, cell.epsilon, cell.action_mode] = cell

    def fill(self, job: J) -> J:
        """`job` with all of them; a training has none."""
        if not isinstance(job, Evaluation):
            return job
        for cell in job.cells:
            self.add(cell)
        return job.model_copy(update={"cells": list(self._cells.values())})
