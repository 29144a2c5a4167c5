"""A hardened policy with its proof: both audits, the training between them, and the comparison."""

from dataclasses import dataclass
from pathlib import Path

from clients.comparison import ComparisonReport
from clients.report import Report
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
        """Write policy.onnx, the comparison, and both reports in folders of their own; returns `folder`.

        Raises InvalidRequest where that cannot be.
        """
        folder = self.comparison.save(folder)
        self.parent.save(folder / "parent")
        self.child.save(folder / "child")
        try:
            (folder / "policy.onnx").write_bytes(self.model)
        except OSError as error:
            raise InvalidRequest(
                f"A policy must fit into its folder; {str(folder)!r} did not take it ({error.strerror}). "
                "Choose another."
            ) from error
        return folder
