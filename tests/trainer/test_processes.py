"""Whose lanes and samples are whose; what is exchanged is tested in `test_distributed`."""

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
