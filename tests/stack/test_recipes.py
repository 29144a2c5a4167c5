"""What README says to put into CI does what it says: its commands are run as they stand there."""

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from clients.background import RunningStack
from tests.stack.policies import balancing_cartpole

FOLDER = Path(__file__).parent / "recipes"
ROOT = FOLDER.parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None and "CI" not in os.environ, reason="there is no curl here"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a policy, and with the `saddlepoint` of this tree on its path."""
    balancing_cartpole(tmp_path / "policy.onnx")
    command = tmp_path / "bin" / "saddlepoint"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m clients "$@"\n', encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def run(script: str, project: Path, **variables: str) -> int:
    """The exit status of a shell that stops at the first command that fails, as those of CI systems do."""
    path = f"{project / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(["bash", "-e", "-c", script], cwd=project, env=environment, timeout=240).returncode


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def test_the_shell_recipe_starts_a_stack_and_passes_a_policy_that_holds(project: Path) -> None:
    port = str(free_port())
    script = (FOLDER / "gate.sh").read_text(encoding="utf-8").replace("8000", port)
    assert run(script, project, SADDLEPOINT_URL=f"http://127.0.0.1:{port}") == 0
    assert ElementTree.parse(project / "junit.xml").getroot().attrib["failures"] == "0"
    assert (project / "report" / "report.html").is_file()


@pytest.mark.parametrize(("least", "status"), [("0.5", 0), ("1.5", 1)])
def test_the_workflow_recipe_ends_with_the_verdict_and_leaves_its_summary(
    stack: RunningStack, project: Path, least: str, status: int
) -> None:
    workflow = (FOLDER / "gate.yml").read_text(encoding="utf-8")
    gate, summary = re.findall(r"- run: ((?:saddlepoint|cat) .*)", workflow)
    assert run(gate.replace("0.5", least), project, SADDLEPOINT_URL=stack.url) == status
    assert run(summary, project, GITHUB_STEP_SUMMARY=str(project / "summary.md")) == 0
    verdict = "passed" if status == 0 else "failed"
    assert f"Gate **{verdict}**" in (project / "summary.md").read_text(encoding="utf-8")


def test_readme_has_these_recipes_and_no_other_for_a_gate() -> None:
    fences = re.findall(r"```(?:sh|yaml)\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    written = {fence for fence in fences if "saddlepoint gate" in fence}
    assert written <= {path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
