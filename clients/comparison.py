"""A comparison as the client hands it out: the numbers of the schema, and the forms that the service made of them."""

from pathlib import Path
from typing import Self

from pydantic import PrivateAttr

from clients.report import writable_folder
from clients.tables import comparison_table
from saddlepoint.errors import InvalidRequest
from saddlepoint.schemas.comparisons import ComparisonResult


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
        return comparison_table(self)

    def save(self, folder: str | Path) -> Path:
        """Write comparison.json, comparison.html and comparison.md into `folder`, which is made; returns it.

        Raises InvalidRequest where that cannot be.
        """
        folder = writable_folder(folder)
        forms = {"json": self.model_dump_json(indent=2) + "\n", "html": self._html, "md": self._markdown}
        try:
            for extension, text in forms.items():
                (folder / f"comparison.{extension}").write_text(text, encoding="utf-8")
        except OSError as error:
            raise InvalidRequest(
                f"A comparison must fit into its folder; {str(folder)!r} did not take it ({error.strerror}). "
                "Choose another."
            ) from error
        return folder
