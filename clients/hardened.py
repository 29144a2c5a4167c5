"""A hardened policy with its proof: both audits, the training between them, and the comparison."""

from dataclasses import dataclass
from pathlib import Path

from clients.comparison import ComparisonReport
from clients.report import Report
from clients.trained import TrainedReport
from clients.watched import Training
from saddlepoint.errors import InvalidRequest


@dataclass(frozen=True)
class Hardened:
    """What hardening came to."""

    training: Training
    parent: Report
    """The policy as it was given."""
    child: Report
    """The policy that was published, on the same episodes under the same attacks."""
    comparison: ComparisonReport
    report: TrainedReport | None
    """How it learned, and all of the above in one page; None where that could not be made."""
    model: bytes
    """The published policy as ONNX."""

    @property
    def policy_id(self) -> str:
        """Of the published policy."""
        return str(self.training.policy_id)

    def table(self) -> str:
        """The comparison as plain text."""
        return self.comparison.table()

    def _repr_html_(self) -> str:
        return self.comparison._repr_html_()

    def save(self, folder: str | Path) -> Path:
        """Write policy.onnx, the comparison, the training's report, and those of both policies in folders of their own.

        Returns `folder`. Raises InvalidRequest where that cannot be.
        """
        folder = self.comparison.save(folder)
        if self.report is not None:
            self.report.save(folder)
        self.parent.save(folder / "parent")
        self.child.save(folder / "child")
        return save_model(self.model, folder)


def save_model(model: bytes, folder: Path) -> Path:
    """Write policy.onnx into a folder that is there; returns the folder. Raises InvalidRequest."""
    try:
        (folder / "policy.onnx").write_bytes(model)
    except OSError as error:
        raise InvalidRequest(
            f"A policy must fit into its folder; {str(folder)!r} did not take it ({error.strerror}). Choose another."
        ) from error
    return folder
