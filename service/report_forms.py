"""The forms that a report comes in: those that workers stored, and those rendered from its numbers on request."""

from collections.abc import Callable
from typing import Any

from saddlepoint.formats.badge import to_badge
from saddlepoint.formats.csv import to_csv
from saddlepoint.formats.junit import to_junit
from saddlepoint.formats.markdown import to_markdown
from saddlepoint.schemas.gates import Thresholds, decide
from saddlepoint.schemas.reports import RobustnessReport
from service.negotiation import FORMATS, ReportFormat

REPORT_FORMATS: dict[str, ReportFormat] = {
    **FORMATS,
    "md": ReportFormat("text/markdown", {}),
    "csv": ReportFormat("text/csv", {"Content-Disposition": 'attachment; filename="report.csv"'}),
    "parquet": ReportFormat(
        "application/vnd.apache.parquet", {"Content-Disposition": 'attachment; filename="report.parquet"'}
    ),
    "junit": ReportFormat("application/xml", {}),
    "badge": ReportFormat("image/svg+xml", {"Content-Security-Policy": "default-src 'none'; sandbox"}),
}
"""The first is what a client without a preference gets."""

RENDERED: dict[str, Callable[[RobustnessReport, Thresholds], str]] = {
    "md": lambda report, asked: to_markdown(report, decide(report, asked) if asked.any else None),
    "csv": lambda report, asked: to_csv(report),
    "junit": lambda report, asked: to_junit(report, decide(report, asked)),
    "badge": lambda report, asked: to_badge(report, decide(report, asked) if asked.any else None),
}
"""From the report and what a gate asks of it. `junit` raises InvalidSpec where nothing is asked."""

REPORT_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report in one of its forms",
        "content": {
            form.media_type: {"schema": {"$ref": "#/components/schemas/RobustnessReport"} if name == "json" else {}}
            for name, form in REPORT_FORMATS.items()
        },
    }
}
"""For the OpenAPI document."""
