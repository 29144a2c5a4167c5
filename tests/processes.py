"""Worker processes for tests, ended for certain."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).parent.parent


@contextmanager
def running(*command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process `python *command` in its own session; it and its children are killed at the end."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill_all(process)


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its descendants, and wait for it."""
    for member in family(process.pid):
        kill(member)
    process.wait(timeout=10)


def limit_files(process: psutil.Process, size: int) -> None:
    """Bound what a process and its descendants may write to a file: with 0 their disk is as good as full (EFBIG).

    Python, and what runs `through_full_disks`, ignores the signal that would end others.
    """
    with suppress(psutil.NoSuchProcess):
        hard = process.rlimit(resource.RLIMIT_FSIZE)[1]
        # One that forbids itself to write, in between or for good, keeps to its own limit.
        with suppress(ValueError):
            process.rlimit(resource.RLIMIT_FSIZE, (size, hard))
        for child in process.children():  # after it, because what is forked from now on has its limit
            limit_files(child, size)


def through_full_disks(command: Sequence[str]) -> tuple[str, ...]:
    """A command whose process outlives a write beyond such a limit."""
    return ("sh", "-c", 'trap \'\' XFSZ; exec "$0" "$@"', *command)


def family(pid: int) -> list[int]:
    """A process and its descendants, the oldest first."""
    try:
        root = psutil.Process(pid)
        return [pid, *(child.pid for child in root.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def kill(pid: int) -> bool:
    """Kill a process; False where it had ended already."""
    lived = is_running(pid)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return lived


def is_running(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], object], *, within_s: float, what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {within_s} s"
        time.sleep(0.02)
