"""`python -m tests.load [--soak-minutes N]`: a stack under load; exit 1 where a figure is missed.

Prints a table and leaves build/load/result.json.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tests.load.crowds import slow_figures, upload_figures
from tests.load.figures import Figure, table
from tests.load.polls import poll_figures, submission_figures
from tests.load.setting import Setting, furnished_stack
from tests.load.soak import soak_figures

OUT = Path("build/load")
CACHED = 3000
"""Evaluations, more than a service keeps in memory."""
MEASURES: tuple[Callable[[Setting], list[Figure]], ...] = (
    poll_figures,
    slow_figures,
    upload_figures,
    submission_figures,
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load")
    parser.add_argument("--soak-minutes", type=float, default=0.0)
    minutes = parser.parse_args().soak_minutes
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    figures = _measured() + (_soaked(minutes) if minutes else [])
    missed = [figure.name.strip() for figure in figures if figure.is_missed]
    result = {"figures": [asdict(figure) for figure in figures], "missed": missed}
    (OUT / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{table(figures)}\n")
    return int(bool(missed))


def _measured() -> list[Figure]:
    with furnished_stack(OUT / "stack", workers=0) as setting:
        figures = [figure for measure in MEASURES for figure in measure(setting)]
    shutil.rmtree(OUT / "stack")
    return figures


def _soaked(minutes: float) -> list[Figure]:
    with furnished_stack(OUT / "soak", workers=1, stored=CACHED) as setting:
        figures = soak_figures(setting, minutes, OUT / "soak.jsonl")
    shutil.rmtree(OUT / "soak")
    return figures


if __name__ == "__main__":
    sys.exit(main())
