"""The watchdog, in a process of its own, because it ends it."""

import subprocess
import sys
import time

HANG = """
import ctypes, sys
from worker.watchdog import watchdog
with watchdog(float(sys.argv[1])) as alive:
    for _ in range(3):
        alive()
        ctypes.PyDLL(None).usleep(int(sys.argv[2]))  # holds the interpreter, as native code that hangs does
"""


def run(stall_s: float, step_us: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HANG, str(stall_s), str(step_us)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_a_process_stuck_in_native_code_ends_and_says_where() -> None:
    start = time.monotonic()
    ended = run(0.5, 20_000_000)
    assert time.monotonic() - start < 10
    assert ended.returncode == 1
    assert "<string>" in ended.stderr


def test_a_process_that_goes_on_is_left_alone() -> None:
    ended = run(0.5, 300_000)
    assert (ended.returncode, ended.stderr) == (0, "")
