"""`saddlepoint doctor`: what is wrong with this machine and with the stack that runs, and what to do about it."""

import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import httpx

from clients.connection import Connection
from clients.console import Console
from clients.service_checks import look_at_service
from clients.table import Table
from saddlepoint.errors import FaultsFound
from saddlepoint.schemas.checkups import FINDINGS, Finding

_ENGINE = ("torch", "rq", "obstore", "ale_py")
_LOOKS_S = 120.0
_ANSWERS_S = 10.0
_MODULE = "worker.doctor"
_STORE = "SADDLEPOINT_STORE_URL"


def doctor(options: Namespace, console: Console) -> None:
    """Write the findings. Raises FaultsFound where one of them fails."""
    findings = [*of_machine(options.data), *_of_service(options)]
    console.data(findings, as_text(findings))
    failed = [finding.check for finding in findings if finding.verdict == "fail"]
    if failed:
        raise FaultsFound(f"Something is wrong with: {', '.join(failed)}. The remedies stand beside them.")


def as_text(findings: list[Finding]) -> str:
    """A line for each, and below them what to do."""
    remedies = [f"{finding.check}: {finding.remedy}" for finding in findings if finding.remedy]
    rows = [[finding.verdict, finding.check, finding.found] for finding in findings]
    return Table(("", "check", "found"), rows, notes=remedies).text()


def of_machine(data: Path, environment: Mapping[str, str] = os.environ) -> list[Finding]:
    """Run `python -m worker.doctor`, as `up` runs a worker: the client itself knows no engine."""
    missing = [name for name in _ENGINE if find_spec(name) is None]
    if missing:
        found = f"no stack can run here, the client alone is installed (missing: {', '.join(missing)})"
        remedy = "Nothing, or pip install 'saddlepoint[local]'."
        return [Finding(check="machine", verdict="warn", found=found, remedy=remedy)]
    store = data / "store"
    its_own = {_STORE: str(store)} if store.is_dir() else {}
    command = [sys.executable, "-m", _MODULE]
    try:
        done = subprocess.run(
            command, env={**its_own, **environment}, capture_output=True, timeout=_LOOKS_S, check=True
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return [_undiagnosed(error)]
    return FINDINGS.validate_json(done.stdout)


def _of_service(options: Namespace) -> list[Finding]:
    connection = Connection.of(options.url, options.api_key)
    expected = bool(options.url or os.environ.get("SADDLEPOINT_URL"))
    with httpx.Client(timeout=_ANSWERS_S, **connection.options()) as http:
        return list(look_at_service(http, expected=expected))


def _undiagnosed(error: subprocess.CalledProcessError | subprocess.TimeoutExpired) -> Finding:
    said = (error.stderr or b"").decode(errors="replace").strip().splitlines()
    found = said[-1] if said else f"no answer within {_LOOKS_S:g} s"
    remedy = "What a worker imports does not work here: run `python -m worker.doctor` to see the whole of it."
    return Finding(check="machine", verdict="fail", found=found, remedy=remedy)
