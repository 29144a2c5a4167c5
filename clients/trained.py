"""The report of a training as the client hands it out: the numbers of the schema, and the page that a worker made."""

from pathlib import Path
from typing import Self

from pydantic import PrivateAttr

from clients.report import writable_folder
from saddlepoint.errors import InvalidRequest
from saddlepoint.schemas.training_reports import TrainingReport


class TrainedReport(TrainingReport):
    """Every number, with ways to keep them."""

    _html: str = PrivateAttr(default="")

    def of(self, html: str) -> Self:
        """This report with its page."""
        self._html = html
        return self

    def save(self, folder: str | Path) -> Path:
        """Write training.json and training.html into `folder`, which is made; returns it.

        Raises InvalidRequest where that cannot be.
        """
        folder = writable_folder(folder)
        try:
            (folder / "training.json").write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
            (folder / "training.html").write_text(self._html, encoding="utf-8")
        except OSError as error:
            raise InvalidRequest(
                f"A report must fit into its folder; {str(folder)!r} did not take it ({error.strerror}). "
                "Choose another."
            ) from error
        return folder
