"""`make bench`: run every benchmark, print the table, write bench/results.json."""

import json
import sys
from pathlib import Path

import torch

from saddlepoint.schemas.plans import THREADS
from tests.benchmarks.attacks import attack_figures
from tests.benchmarks.measuring import table

RESULTS = Path("bench/results.json")


def main() -> int:
    """0 if every goal is reached, else 1."""
    torch.set_num_threads(THREADS)
    figures = [*attack_figures()]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([figure.as_json() for figure in figures], indent=2) + "\n")
    sys.stdout.write(f"{table(figures)}\n\nEverything on {THREADS} thread(s), as a worker plays; in {RESULTS}.\n")
    return int(any(figure.goal is not None and figure.ratio < figure.goal for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
