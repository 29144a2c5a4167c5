"""The forms of a report that take more than the standard library; `saddlepoint.formats` has the others."""

from saddlepoint.evaluation.evidence import Evidence, NoEvidence
from saddlepoint.evaluation.html import render_html
from saddlepoint.schemas.reports import RobustnessReport


def render(report: RobustnessReport, evidence: Evidence | NoEvidence) -> dict[str, bytes]:
    """By extension. Equal arguments give equal bytes."""
    # Arrow starts a thread when it is loaded, and workers load this module before they fork.
    from saddlepoint.evaluation.parquet import to_parquet

    return {"html": render_html(report, evidence).encode(), "parquet": to_parquet(report)}
