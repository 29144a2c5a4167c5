"""The watchdog, in a process of its own, because it ends it."""

import subprocess
import sys

HANG = """
import ctypes, sys
from worker.watchdog import watchdog
with watchdog(float(sys.argv[1])) as alive:
    for _ in range(int(sys.argv[3])):
        alive()
        ctypes.PyDLL(None).usleep(int(sys.argv[2]))  # holds the interpreter, as native code that hangs does
"""


def run(stall_s: float, step_us: int, steps: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HANG, str(stall_s), str(step_us), str(steps)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_process_stuck_in_native_code_ends_and_says_where() -> None:
    ended = run(0.5, 100_000_000, 1)
    assert ended.returncode == 1
    assert "<string>" in ended.stderr


def test_a_process_that_goes_on_is_left_alone() -> None:
    ended = run(2.0, 100_000, 30)
    assert (ended.returncode, ended.stderr) == (0, "")
