"""The losses at points where their value is known."""

from math import log

import pytest
import torch

from trainer.losses import normalized, policy_loss, value_loss


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [
        (1.0, 2.0, -2.0),
        (1.05, 2.0, -2.1),
        (1.5, 2.0, -2.2),
        (0.5, 2.0, -1.0),
        (1.5, -2.0, 3.0),
        (0.5, -2.0, 1.8),
    ],
)
def test_only_gains_beyond_the_range_are_clipped(ratio: float, advantage: float, expected: float) -> None:
    loss = policy_loss(torch.tensor([log(ratio)]), torch.tensor([advantage]), 0.1)
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_a_clipped_gain_has_no_gradient() -> None:
    log_ratio = torch.tensor([log(1.5)], requires_grad=True)
    (gradient,) = torch.autograd.grad(policy_loss(log_ratio, torch.tensor([2.0]), 0.1), log_ratio)
    assert gradient.tolist() == [0.0]


@pytest.mark.parametrize(
    ("value", "target", "old", "expected"),
    [
        (3.0, 1.0, 3.0, 2.0),  # did not move: half of 2 squared
        (2.0, 2.0, 1.0, 0.5 * 0.75**2),  # moved too far towards the target: only 0.25 of it counts
        (4.0, 2.0, 1.0, 2.0),  # overshot: the plain error is larger than the clipped one
    ],
)
def test_the_worse_of_the_plain_and_the_clipped_value_counts(
    value: float, target: float, old: float, expected: float
) -> None:
    loss = value_loss(torch.tensor([value]), torch.tensor([target]), torch.tensor([old]), 0.25)
    assert float(loss) == expected


def test_the_plain_value_loss_is_half_the_squared_error() -> None:
    loss = value_loss(torch.tensor([1.0, 4.0]), torch.tensor([3.0, 4.0]), torch.zeros(2), None)
    assert float(loss) == 1.0


def test_normalized_advantages_have_mean_zero_and_deviation_one() -> None:
    assert normalized(torch.tensor([1.0, 3.0])).tolist() == pytest.approx([-1.0, 1.0])


def test_equal_advantages_become_zero() -> None:
    assert normalized(torch.tensor([5.0, 5.0])).tolist() == [0.0, 0.0]
