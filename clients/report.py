"""The report as the client hands it out: the numbers of the schema, with ways to read and keep them."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import PrivateAttr

from clients.frames import frame
from clients.tables import report_table
from saddlepoint.errors import InvalidRequest
from saddlepoint.formats.badge import to_badge
from saddlepoint.formats.csv import to_csv
from saddlepoint.formats.markdown import to_markdown
from saddlepoint.schemas.checks import no_regression
from saddlepoint.schemas.comparisons import ComparisonResult
from saddlepoint.schemas.gates import Gate, Thresholds, decide
from saddlepoint.schemas.reports import Cell, RobustnessReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

_SCALARS = [name for name in Cell.model_fields if name not in {"returns", "lengths", "seeds", "health", "warnings"}]


class Report(RobustnessReport):
    """A robustness report, and the page that the service made of it."""

    _html: str | None = PrivateAttr(default=None)

    def with_html(self, html: str | None) -> Self:
        """This report with the service's page, which `save` writes beside the numbers."""
        self._html = html
        return self

    def table(self, width: int | None = None) -> str:
        """The cells as plain text; in at most `width` characters, without some columns, where that is given."""
        return report_table(self).text(width)

    def _repr_html_(self) -> str:
        return report_table(self).html()

    def gate(
        self,
        *,
        min_normalized: float | None = None,
        min_mean: float | None = None,
        max_drop: float | None = None,
        baseline: ComparisonResult | None = None,
    ) -> Gate:
        """Whether the worst case found is good enough, by the bad end of its 95% interval.

        `baseline` is the comparison of an earlier evaluation with this one, which must not have got worse. Raises
        InvalidSpec where nothing is asked for.
        """
        wanted = Thresholds(min_normalized=min_normalized, min_mean=min_mean, max_drop=max_drop)
        return decide(self, wanted, None if baseline is None else no_regression(self, baseline))

    def to_dataframe(self, *, episodes: bool = False) -> "DataFrame":
        """One row a cell, or one an episode. Raises InvalidRequest without pandas."""
        if episodes:
            return frame(self.episode_rows())
        return frame([cell.model_dump(include=set(_SCALARS)) for cell in self.cells], _SCALARS)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The mean return in each cell, with its interval (Figure 1). Raises InvalidRequest without matplotlib."""
        from clients.plots import return_bars

        return return_bars(self, ax)

    def plot_epsilon(self, ax: "Axes | None" = None) -> "Axes":
        """The mean return of each attack against epsilon, with a band (Figure 3). Raises InvalidRequest likewise."""
        from clients.plots import return_by_epsilon

        return return_by_epsilon(self, ax)

    def save(self, folder: str | Path) -> Path:
        """Write report.json, .md and .csv (every episode), badge.svg, and report.html if the service has it.

        `folder` is made and returned. Raises InvalidRequest where that cannot be.
        """
        folder = writable_folder(folder)
        forms = {
            "report.json": self.model_dump_json(indent=2) + "\n",
            "report.html": self._html,
            "report.md": to_markdown(self),
            "report.csv": to_csv(self),
            "badge.svg": to_badge(self),
        }
        for name, text in forms.items():
            if text is not None:
                write_text(folder / name, text)
        return folder


def write_text(path: Path, text: str) -> None:
    """Raises InvalidRequest where the file cannot be written."""
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise InvalidRequest(
            f"A report must fit into its folder; {str(path.parent)!r} did not take {path.name} ({error.strerror}). "
            "Choose another."
        ) from error


def writable_folder(folder: str | Path) -> Path:
    """The folder, made if missing. Raises InvalidRequest where nothing can be written into it."""
    folder = Path(folder).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidRequest(
            f"A report goes into a folder that can be made; {str(folder)!r} cannot ({error.strerror}). Choose another."
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidRequest(f"A report goes into a writable folder; {str(folder)!r} is not. Choose another.")
    return folder
