"""`make bench`: run every benchmark, or those of the groups named, print the table, write bench/results.json."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from saddlepoint.evaluation.memory import keep_freed_memory
from saddlepoint.schemas.plans import THREADS
from tests.benchmarks.attacks import attack_figures
from tests.benchmarks.engine import engine_figures
from tests.benchmarks.health import health_figures
from tests.benchmarks.many import many_figures
from tests.benchmarks.measuring import Figure, table
from tests.benchmarks.stack import stack_figures
from tests.benchmarks.training import training_figures

RESULTS = Path("bench/results.json")


CORES = os.cpu_count() or 1
GROUPS = {
    "attacks": (CORES, attack_figures),
    "engine": (THREADS, engine_figures),
    "training": (THREADS, training_figures),
    "health": (THREADS, health_figures),
    "stack": (THREADS, stack_figures),
    "many": (THREADS, many_figures),
}
"""Threads of this process, for both sides of every comparison: an attack alone has the whole machine, a worker one."""


def main(names: Sequence[str] = tuple(GROUPS)) -> int:
    """0 if every goal is reached, else 1."""
    keep_freed_memory()
    figures = [figure for name in names for figure in _measure(name)]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([figure.as_json() for figure in figures], indent=2) + "\n")
    sys.stdout.write(
        f"{table(figures)}\n\nAttacks on {CORES} thread(s), everything else on {THREADS} a process; in {RESULTS}.\n"
    )
    return int(any(figure.is_missed for figure in figures))


def _measure(name: str) -> list[Figure]:
    threads, group = GROUPS[name]
    torch.set_num_threads(threads)
    return group()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or tuple(GROUPS)))
