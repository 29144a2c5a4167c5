"""What the doctor says of a machine, and the program that says it."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

import pytest

from saddlepoint.schemas.checkups import FINDINGS, Verdict
from worker.doctor import confined, packages
from worker.doctor.__main__ import of_stack
from worker.doctor.confined import confinement
from worker.doctor.machine import limits, memory
from worker.doctor.packages import onnx_runtime

P = ParamSpec("P")


def _unlimited(function: Callable[P, bytes], /, *args: P.args, **kwargs: P.kwargs) -> bytes:
    return function(*args, **kwargs)


def test_the_program_looks_at_machine_redis_and_store(redis_url: str, tmp_path: Path) -> None:
    named = {"SADDLEPOINT_REDIS_URL": redis_url, "SADDLEPOINT_STORE_URL": str(tmp_path)}
    command = [sys.executable, "-m", "worker.doctor"]
    done = subprocess.run(command, env=os.environ | named, capture_output=True, check=True)
    findings = {finding.check: finding for finding in FINDINGS.validate_json(done.stdout)}
    for check in ("python", "packages", "confinement", "torch", "onnxruntime", "roms", "redis", "store"):
        assert findings[check].verdict == "ok", findings[check]


def test_what_is_not_named_is_not_looked_at() -> None:
    assert list(of_stack({})) == []


@pytest.mark.parametrize(
    ("name", "value"), [("SADDLEPOINT_PORT", "secret"), ("SADDLEPOINT_API_KEYS", "secret"), ("SADDLEPOINT_HOST", "h")]
)
def test_a_wrong_setting_is_named_without_its_value(name: str, value: str) -> None:
    findings = list(of_stack({name: value}))
    assert [finding.found for finding in findings] == ([f"not valid: {name}"] if value == "secret" else [])


def test_a_child_that_is_not_shut_in_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert confinement().verdict == "ok"
    monkeypatch.setattr(confined, "run_limited", _unlimited)
    assert (confinement().verdict, confinement().found) == ("fail", "ECONNREFUSED")


@pytest.mark.parametrize(
    ("there", "verdict"),
    [
        ({"onnxruntime"}, "ok"),
        ({"onnxruntime-gpu"}, "ok"),
        (set(), "fail"),
        ({"onnxruntime", "onnxruntime-gpu"}, "fail"),
    ],
)
def test_there_is_one_onnxruntime(there: set[str], verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "installed", lambda name: "1.0" if name in there else None)
    assert onnx_runtime().verdict == verdict


@pytest.mark.parametrize(("kib", "verdict"), [(2**20, "fail"), (2**40, "ok")])
def test_memory_is_held_against_what_a_worker_takes(kib: int, verdict: Verdict, tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable:   {kib} kB\n")
    assert memory(tmp_path / "meminfo").verdict == verdict


@pytest.mark.parametrize(("allowed", "verdict"), [(1023, "fail"), (1024, "ok"), (resource.RLIM_INFINITY, "ok")])
def test_enough_may_be_opened(allowed: int, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda kind: (allowed, allowed))
    assert limits().verdict == verdict
