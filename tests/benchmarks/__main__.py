"""`make bench`: run every benchmark, or those of the groups named, print the table, write bench/results.json."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from saddlepoint.evaluation.memory import keep_freed_memory
from saddlepoint.schemas.plans import THREADS
from tests.benchmarks.attacks import attack_figures
from tests.benchmarks.engine import engine_figures
from tests.benchmarks.measuring import table
from tests.benchmarks.stack import stack_figures

RESULTS = Path("bench/results.json")


GROUPS = {"attacks": attack_figures, "engine": engine_figures, "stack": stack_figures}


def main(names: Sequence[str] = tuple(GROUPS)) -> int:
    """0 if every goal is reached, else 1."""
    torch.set_num_threads(THREADS)
    keep_freed_memory()
    figures = [figure for name in names for figure in GROUPS[name]()]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([figure.as_json() for figure in figures], indent=2) + "\n")
    sys.stdout.write(f"{table(figures)}\n\nEverything on {THREADS} thread(s), as a worker plays; in {RESULTS}.\n")
    return int(any(figure.goal is not None and figure.ratio < figure.goal for figure in figures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or tuple(GROUPS)))
