"""The episodes of a report as comma-separated values (RFC 4180)."""

import csv
import io

from saddlepoint.schemas.reports import EPISODE_COLUMNS, RobustnessReport


def to_csv(report: RobustnessReport) -> str:
    """A header and one row an episode, those of greedy cells last; numbers have all their digits."""
    written = io.StringIO()
    writer = csv.DictWriter(written, EPISODE_COLUMNS)
    writer.writeheader()
    writer.writerows(report.episode_rows())
    return written.getvalue()
