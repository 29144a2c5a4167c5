"""A comparison as the client hands it out: the numbers of the schema, and the forms that the service made of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import PrivateAttr

from clients.frames import frame
from clients.report import writable_folder
from clients.tables import comparison_table
from saddlepoint.errors import InvalidRequest
from saddlepoint.schemas.comparisons import ComparedCell, ComparisonResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame


class ComparisonReport(ComparisonResult):
    """Every number, with ways to read and keep them."""

    _html: str = PrivateAttr(default="")
    _markdown: str = PrivateAttr(default="")

    def of(self, html: str, markdown: str) -> Self:
        """This comparison with its page and its table."""
        self._html, self._markdown = html, markdown
        return self

    @property
    def markdown(self) -> str:
        """The table in the shape of the ATPA paper's Table 1: a row an attack, a column a method."""
        return self._markdown

    def table(self) -> str:
        """The cells as plain text, with the verdict."""
        return comparison_table(self).text()

    def _repr_html_(self) -> str:
        return comparison_table(self).html()

    def to_dataframe(self) -> "DataFrame":
        """One row a cell: both sides and their difference. Raises InvalidRequest without pandas."""
        return frame([_flat(cell) for cell in (*self.cells, *self.greedy_cells)])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Both sides in each cell, with their intervals. Raises InvalidRequest without matplotlib."""
        from clients.plots import compared_bars

        return compared_bars(self, ax)

    def save(self, folder: str | Path) -> Path:
        """Write comparison.json, comparison.html and comparison.md into `folder`, which is made; returns it.

        Raises InvalidRequest where that cannot be.
        """
        forms = {"json": self.model_dump_json(indent=2) + "\n", "html": self._html, "md": self._markdown}
        return save_forms(folder, forms)


def _flat(cell: ComparedCell) -> dict[str, Any]:
    """The cell without nesting: `baseline_mean`, `candidate_kept` and so on."""
    sides = {"baseline": cell.baseline, "candidate": cell.candidate}
    scores = {
        f"{side}_{name}": getattr(score, name)
        for side, score in sides.items()
        for name in ("mean", "ci95", "kept", "kept_ci95")
    }
    return {**cell.model_dump(exclude={"baseline", "candidate"}), **scores}


def save_forms(folder: str | Path, forms: Mapping[str, str]) -> Path:
    """Write a comparison's `forms`, by extension, into `folder`, which is made; returns it. Raises InvalidRequest."""
    folder = writable_folder(folder)
    try:
        for extension, text in forms.items():
            (folder / f"comparison.{extension}").write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(
            f"A comparison must fit into its folder; {str(folder)!r} did not take it ({error.strerror}). "
            "Choose another."
        ) from error
    return folder
