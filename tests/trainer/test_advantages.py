"""Advantages of toys that can be worked out by hand."""

import torch

from trainer.advantages import advantages


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values)[:, None]


def test_a_single_step_is_the_one_step_surprise() -> None:
    result = advantages(column(1.0), column(0.5), column(0.0), torch.tensor([2.0]), 0.5, 0.9)
    assert result.tolist() == [[1.0 + 0.5 * 2.0 - 0.5]]


def test_later_surprises_come_back_discounted() -> None:
    # Surprises: 1 + 2/2 - 1 = 1, 0 + 4/2 - 2 = 0, 2 + 8/2 - 4 = 2; the factor is 0.5 * 0.5.
    result = advantages(
        column(1.0, 0.0, 2.0), column(1.0, 2.0, 4.0), column(0.0, 0.0, 0.0), torch.tensor([8.0]), 0.5, 0.5
    )
    assert result.flatten().tolist() == [1.0 + 0.25 * 0.5, 0.5, 2.0]


def test_nothing_comes_back_from_the_episode_after() -> None:
    result = advantages(
        column(1.0, 0.0, 2.0), column(1.0, 2.0, 4.0), column(0.0, 1.0, 0.0), torch.tensor([8.0]), 0.5, 0.5
    )
    assert result.flatten().tolist() == [1.0 + 0.25 * -2.0, -2.0, 2.0]


def test_lambda_one_sums_all_rewards() -> None:
    result = advantages(
        column(1.0, 2.0, 3.0), column(9.0, 9.0, 9.0), column(0.0, 0.0, 1.0), torch.tensor([99.0]), 1.0, 1.0
    )
    assert result.flatten().tolist() == [6.0 - 9.0, 5.0 - 9.0, 3.0 - 9.0]


def test_actors_do_not_mix() -> None:
    rewards = torch.tensor([[1.0, 5.0]])
    result = advantages(rewards, torch.zeros(1, 2), torch.ones(1, 2), torch.tensor([7.0, 7.0]), 0.9, 0.9)
    assert result.tolist() == [[1.0, 5.0]]
