"""A comparison of several methods as the client hands it out."""

from pathlib import Path
from typing import Self

from pydantic import PrivateAttr

from clients.comparison import save_forms
from clients.tables import groups_table
from saddlepoint.schemas.group_comparisons import GroupsResult


class GroupsReport(GroupsResult):
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
        return groups_table(self).text()

    def _repr_html_(self) -> str:
        return groups_table(self).html()

    def save(self, folder: str | Path) -> Path:
        """Write comparison.json, comparison.html and comparison.md into `folder`, which is made; returns it.

        Raises InvalidRequest where that cannot be.
        """
        forms = {"json": self.model_dump_json(indent=2) + "\n", "html": self._html, "md": self._markdown}
        return save_forms(folder, forms)
