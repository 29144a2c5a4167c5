"""What the machine is asked for."""

import os
import sys
import time
from collections.abc import Iterator

import pytest
import torch

from saddlepoint.machine import rest_threads


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads where Linux lists them")
def test_the_threads_of_operators_end_when_they_rest_and_come_back(two_threads: None) -> None:
    matrix = torch.rand(512, 512, generator=torch.Generator().manual_seed(0))
    rest_threads()
    resting = _threads()
    product = matrix.sin()
    assert _threads() == resting + 1
    rest_threads()
    assert _eventually(resting)
    assert torch.equal(matrix.sin(), product)
    assert _threads() == resting + 1


def test_resting_twice_or_with_one_thread_does_nothing() -> None:
    threads = torch.get_num_threads()
    rest_threads()
    rest_threads()
    assert torch.get_num_threads() == threads


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))


def _eventually(count: int) -> bool:
    """A thread that has ended is listed for a moment longer."""
    deadline = time.monotonic() + 5
    while _threads() != count and time.monotonic() < deadline:
        time.sleep(0.01)
    return _threads() == count
