"""A policy held against a gate: the verdict with the report that it is on."""

from dataclasses import dataclass
from pathlib import Path

from clients.comparison import ComparisonReport
from clients.report import Report, write_text
from clients.tables import gate_table
from saddlepoint.formats.badge import to_badge
from saddlepoint.formats.junit import to_junit
from saddlepoint.formats.markdown import to_markdown
from saddlepoint.schemas.gates import Gate


@dataclass(frozen=True)
class Gated:
    """What a gate came to."""

    report: Report
    gate: Gate
    comparison: ComparisonReport | None = None
    """With the baseline; None without one, and where the evaluation is the baseline itself."""

    @property
    def passed(self) -> bool:
        return self.gate.passed

    @property
    def failures(self) -> list[str]:
        """Every reason against."""
        return self.gate.failures

    def table(self, width: int | None = None) -> str:
        """The report and the verdict as plain text; the report in at most `width` characters."""
        return f"{self.report.table(width)}\n\n{gate_table(self.gate).text()}"

    def _repr_html_(self) -> str:
        return self.report._repr_html_() + gate_table(self.gate).html()

    def junit(self) -> str:
        """The verdict as test results."""
        return to_junit(self.report, self.gate)

    def badge(self) -> str:
        """The verdict as an SVG."""
        return to_badge(self.report, self.gate)

    def save(self, folder: str | Path) -> Path:
        """Write the report's forms, the comparison's, gate.json, junit.xml and the badge; returns `folder`.

        Raises InvalidRequest where that cannot be.
        """
        folder = self.report.save(folder)
        if self.comparison is not None:
            self.comparison.save(folder)
        forms = {
            "report.md": to_markdown(self.report, self.gate),
            "gate.json": self.gate.model_dump_json(indent=2) + "\n",
            "junit.xml": self.junit(),
            "badge.svg": self.badge(),
        }
        for name, text in forms.items():
            write_text(folder / name, text)
        return folder
