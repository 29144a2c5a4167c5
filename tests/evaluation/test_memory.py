import platform
import subprocess
import sys

import pytest

from saddlepoint.evaluation.memory import keep_freed_memory

PROGRAM = """
import resource
import torch
from saddlepoint.evaluation.memory import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def batch():
    return [torch.ones(2**21) for _ in range(4)]

keep_freed_memory()
batch()
batch()
before = faults()
for _ in range(5):
    batch()
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_the_next_batches_meet_few_page_faults() -> None:
    """Five times 32 MiB are 40,000 pages, and as many faults without it."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 10_000


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    keep_freed_memory()
