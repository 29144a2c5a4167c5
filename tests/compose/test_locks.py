"""The packages of the images: every one pinned with its hashes, and within what pyproject.toml allows."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.compose.engine import ROOT
from tests.test_packaging import requirements

EXTRAS = {
    "service": ("service",),
    "engine-cpu": ("worker", "trainer", "mujoco"),
    "engine-gpu": ("worker-gpu", "trainer-gpu", "mujoco"),
}
LOCKS = ("build", *EXTRAS, "storage")
REMEDY = "run `make lock`"


@cache
def pins(lock: str) -> dict[str, str]:
    """The packages of a lock and their versions."""
    text = (ROOT / "docker" / f"{lock}.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.M))


def assert_allowed(lock: str, requirement: Requirement) -> None:
    version = pins(lock).get(requirement.name.lower())
    assert version is not None, f"{requirement} is not in docker/{lock}.lock: {REMEDY}"
    assert requirement.specifier.contains(version), f"docker/{lock}.lock has {requirement.name} {version}: {REMEDY}"


@pytest.mark.parametrize(("lock", "extra"), [(lock, extra) for lock, extras in EXTRAS.items() for extra in extras])
def test_a_lock_fits_pyproject(lock: str, extra: str) -> None:
    for requirement in requirements(extra).values():
        assert_allowed(lock, requirement)


def test_the_storage_to_try_is_the_one_of_the_tests() -> None:
    assert_allowed("storage", requirements("dev")["moto"])


def test_what_builds_the_wheel_is_what_pyproject_asks_for() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (stated,) = re.findall(r'^requires = \["([^"]+)"\]', text, re.M)
    assert_allowed("build", Requirement(stated))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes_and_comes_from_no_url(lock: str) -> None:
    text = (ROOT / "docker" / f"{lock}.lock").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.M)[1:]
    assert len(entries) == len(pins(lock)) > 0
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert not re.search(r"://|--index-url|--find-links", text)


def test_the_cpu_lock_brings_no_cuda_and_the_gpu_lock_does() -> None:
    assert pins("engine-cpu")["torch"] == f"{pins('engine-gpu')['torch']}+cpu"
    cuda = {lock: {name for name in pins(lock) if re.match("nvidia|cuda|triton", name)} for lock in EXTRAS}
    assert cuda["engine-cpu"] == cuda["service"] == set()
    assert "nvidia-cudnn-cu13" in cuda["engine-gpu"]


def test_each_engine_has_one_onnxruntime() -> None:
    found = {lock: {name for name in pins(lock) if name.startswith("onnxruntime")} for lock in EXTRAS}
    assert found == {"service": set(), "engine-cpu": {"onnxruntime"}, "engine-gpu": {"onnxruntime-gpu"}}


@pytest.mark.parametrize("engine", ["engine-cpu", "engine-gpu"])
def test_both_ends_of_queue_and_store_speak_the_same(engine: str) -> None:
    shared = ("redis", "rq", "obstore", "pydantic", "pydantic-core")
    assert {name: pins("service")[name] for name in shared} == {name: pins(engine)[name] for name in shared}


def test_the_service_has_no_engine() -> None:
    assert not {"torch", "numpy", "onnx", "onnxruntime", "gymnasium", "ale-py"} & set(pins("service"))


UV = """#!/bin/sh
case "$*" in *" -") asked=$(cat) ;; esac
echo "$@" "$asked" >> "$SAID"
"""
"""Says what it was asked for, and from where it would read that."""


def test_the_command_that_pins_makes_every_lock(tmp_path: Path) -> None:
    uv, said = tmp_path / "uv", tmp_path / "said"
    uv.write_text(UV, encoding="utf-8")
    uv.chmod(0o755)
    environment = os.environ | {"UV": str(uv), "SAID": str(said), "TORCH_WHEELS": ""}
    subprocess.run([ROOT / "docker" / "lock.sh"], env=environment, check=True, timeout=60)
    lines = said.read_text(encoding="utf-8").splitlines()
    asked = {re.findall(r"docker/([\w-]+)\.lock", line)[0]: line for line in lines}
    assert set(asked) == set(LOCKS)
    assert all("--generate-hashes" in line for line in lines)
    assert {lock: tuple(re.findall(r"--extra (\S+)", asked[lock])) for lock in EXTRAS} == EXTRAS
    assert "--torch-backend=cpu" in asked["engine-cpu"]
    assert asked["storage"].endswith(" - moto[server]>=5.2,<6")
    assert asked["build"].endswith(" - setuptools>=77")
