"""Small processes for a supervisor to look after."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from clients.children import ChildSpec

SLEEPER = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {SLEEPER!r}], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""
"""Starts a child that leaves its group and session, and does not stop it."""


def dummy(name: str, code: str, *, stage: int = 0, grace_s: float = 5.0) -> ChildSpec:
    return ChildSpec(name, (sys.executable, "-S", "-c", code), stage, grace_s=grace_s)


def writer(name: str, file: Path, *, stage: int) -> ChildSpec:
    """A process that writes its name to `file` when it is told to end."""
    code = f"""
import signal, sys, time
def end(*_):
    open({str(file)!r}, "a").write("{name} ")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""
    return dummy(name, code, stage=stage)


def until(condition: Callable[[], bool], timeout_s: float = 60.0) -> bool:
    """Whether `condition` came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be noticed does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
