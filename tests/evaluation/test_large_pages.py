"""Pages of the paper's size: 2,500 episodes x 5 attacks a side, five runs of 500, in bounded time and memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evaluation.large_pages import PER_SEED, RUNS, SEEDS
from tests.evaluation.sample_report import sample_report

MAX_S, MAX_MB, MAX_PAGE = 10.0, 500.0, 10 * 2**20


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten reports of 500 episodes under each of 5 attacks, as workers store them."""
    folder = tmp_path_factory.mktemp("reports")
    report = sample_report(seeds=SEEDS, per_seed=PER_SEED)
    assert [cell.episodes for cell in report.cells] == [500] * 5
    for side in ("baseline", "candidate"):
        for run in range(RUNS):
            named = report.model_copy(update={"id": f"{side}{run}"})
            (folder / f"{side}{run}.json").write_text(named.model_dump_json(), encoding="utf-8")
    return folder


@pytest.mark.parametrize("work", ["report", "comparison"])
def test_it_is_rendered_in_time_and_memory(reports: Path, work: str) -> None:
    """Peak memory is the whole process's, torch included, which a worker has loaded."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.evaluation.large_pages", work, str(reports)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
    )
    took = json.loads(done.stdout)
    assert took["seconds"] <= MAX_S
    assert took["peak_mb"] <= MAX_MB
    assert 10_000 < took["bytes"] <= MAX_PAGE
