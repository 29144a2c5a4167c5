"""The forms of a report that take more than the standard library; `saddlepoint.formats` has the others."""

from saddlepoint.evaluation.html import render_html
from saddlepoint.schemas.reports import RobustnessReport


def render(report: RobustnessReport) -> dict[str, bytes]:
    """By extension. Equal reports give equal bytes."""
    # Arrow starts a thread when it is loaded, and workers load this module before they fork.
    from saddlepoint.evaluation.parquet import to_parquet

    return {"html": render_html(report).encode(), "parquet": to_parquet(report)}
