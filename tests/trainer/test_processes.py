"""Whose lanes and samples are whose; what is exchanged is tested in `test_distributed`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from saddlepoint.errors import InvalidSpec
from trainer.processes import ALONE, Lanes, Processes


def test_every_lane_has_one_process() -> None:
    shares = [Processes(rank, 2).lanes(6) for rank in range(2)]
    assert shares == [Lanes(first=0, count=3, total=6), Lanes(first=3, count=3, total=6)]


def test_unequal_shares_are_refused() -> None:
    with pytest.raises(InvalidSpec, match=r"divide actors = 16, and 3 does not.*fewer processes"):
        Processes(0, 3).lanes(16)


def test_a_minibatch_is_divided_by_lanes() -> None:
    """Four lanes; samples 9 and 2 are lanes 1 and 2 of steps 2 and 0, sample 7 is lane 3 of step 1."""
    rows = torch.tensor([9, 2, 7])
    own, numbers = Lanes(first=0, count=2, total=4).among(rows)
    assert (own.tolist(), numbers.tolist()) == ([True, False, False], [2 * 2 + 1])
    own, numbers = Lanes(first=2, count=2, total=4).among(rows)
    assert (own.tolist(), numbers.tolist()) == ([False, True, True], [0, 1 * 2 + 1])


def test_a_process_alone_has_every_sample() -> None:
    rows = torch.randperm(12)
    own, numbers = ALONE.lanes(4).among(rows)
    assert bool(own.all())
    assert torch.equal(numbers, rows)


def test_a_process_alone_hears_itself() -> None:
    steps = torch.arange(6.0).reshape(3, 2)
    assert torch.equal(ALONE.of_all(steps), steps)
    assert ALONE.shared(b"said") == b"said"
    assert ALONE.shared(b"") == b""
    assert [ALONE.agree(choice) for choice in (True, False)] == [True, False]


LEAVES = """
import os, torch
from trainer.processes import joined

def threads():
    return len(os.listdir("/proc/self/task"))

before = threads()
with joined("cpu") as (processes, _):
    layer = torch.nn.Linear(2, 2)
    layer(torch.ones(1, 2)).sum().backward()
    torch.optim.Adam(layer.parameters(), fused=True).step()
    processes.add_(torch.ones(2))
    within = threads()
print(f"{within - before} joined, {threads() - before} left")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads where Linux lists them")
def test_nothing_of_the_group_outlives_it(tmp_path: Path) -> None:
    """A thread of it that was still there when the interpreter ended aborted one training in forty."""
    program = tmp_path / "leaves.py"
    program.write_text(LEAVES)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(program)],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    said = re.findall(r"(\d+) joined, (\d+) left", done.stdout)
    assert len(said) == 2
    assert all(int(within) > 0 for within, _ in said)
    assert [left for _, left in said] == ["0", "0"]
