"""onnxruntime says nothing to anybody."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.processes import REPOSITORY

SILENCED = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_DISABLE_TELEMETRY")
"""Where one of these is set it is silent by itself."""


def files_left_by(module: str, home: Path) -> list[str]:
    """The names of files that appear in the home folder of a process that imports `module`."""
    environment = {name: value for name, value in os.environ.items() if name not in SILENCED}
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", f"import {module}"], env=environment, cwd=REPOSITORY, check=True, timeout=60)
    return [path.name for path in home.rglob("*") if path.is_file()]


def test_loading_policies_prepares_no_report_to_its_maker(tmp_path: Path) -> None:
    assert files_left_by("saddlepoint.policies", tmp_path) == []


def test_it_is_imported_in_one_place_only() -> None:
    packages = [REPOSITORY / name for name in ("saddlepoint", "service", "worker", "trainer", "clients")]
    importing = [
        str(path.relative_to(REPOSITORY))
        for package in packages
        for path in package.rglob("*.py")
        if re.search(r"^\s*(import|from) onnxruntime\b", path.read_text(encoding="utf-8"), re.M)
    ]
    assert importing == ["saddlepoint/policies/runtime.py"]
