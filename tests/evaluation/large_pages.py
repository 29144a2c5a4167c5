"""What a worker does with reports of the paper's size, in a process of its own.

`python -m tests.evaluation.large_pages`

Takes a folder of report.json files whose names begin with `baseline` or `candidate`; prints seconds and megabytes.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from saddlepoint.evaluation.comparison_page import render_comparison
from saddlepoint.evaluation.comparison_table import to_markdown
from saddlepoint.evaluation.evidence import NoEvidence
from saddlepoint.evaluation.rendering import render
from saddlepoint.schemas.reports import RobustnessReport
from tests.evaluation.sample_comparison import compared

RUNS = 5
SEEDS, PER_SEED = 10, 50
"""The paper tier."""


def _reports(folder: Path, side: str) -> list[RobustnessReport]:
    return [RobustnessReport.model_validate_json(path.read_bytes()) for path in sorted(folder.glob(f"{side}*"))]


def one_report(folder: Path) -> int:
    """The bytes of its page and its Parquet file."""
    return sum(map(len, render(_reports(folder, "baseline0")[0], NoEvidence()).values()))


def comparison(folder: Path) -> int:
    """The bytes of its page and its table."""
    result = compared(_reports(folder, "baseline"), _reports(folder, "candidate"))
    return len(render_comparison(result).encode()) + len(to_markdown(result).encode())


WORK: dict[str, Callable[[Path], int]] = {"report": one_report, "comparison": comparison}


def _peak_mb() -> float:
    """Of this program alone: what `getrusage` says is at least what its parent had when it forked."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    before = time.perf_counter()
    size = WORK[sys.argv[1]](Path(sys.argv[2]))
    took = {
        "seconds": time.perf_counter() - before,
        "peak_mb": _peak_mb(),
        "bytes": size,
    }
    sys.stdout.write(json.dumps(took))
