"""A stack in the background of a program: started like `saddlepoint up`, gone when the program leaves it."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clients.children import die_with_parent
from saddlepoint.errors import Unavailable

STOP_S = 30.0


@dataclass(frozen=True)
class RunningStack:
    """A stack that is ready: where it answers, and the process that holds it."""

    url: str
    pid: int


@contextlib.contextmanager
def running_stack(data: Path, *, workers: int) -> Iterator[RunningStack]:
    """A stack on any free port, with its data in `data`. Raises Unavailable where it does not start."""
    argv = (sys.executable, "-m", "clients", "up", "--port", "0", "--data", str(data), "--workers", str(workers))
    data.mkdir(parents=True, exist_ok=True)
    log = data / "up.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
    with process:
        try:
            assert process.stdout is not None, "it was asked for"
            announced = process.stdout.readline().split()
            if not announced:
                process.wait()
                raise Unavailable(f"The stack did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")
            yield RunningStack(announced[-1], process.pid)
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
