import torch

from saddlepoint.attacks.ball import Ball, Bounds, uniform_start
from saddlepoint.schemas.environments import BoxSpace
from tests.attacks.toys import draw, unbounded


def ball_around(observation: torch.Tensor, epsilon: torch.Tensor, bounds: Bounds) -> Ball:
    return Ball.around(observation, epsilon, bounds.low, bounds.high)


def test_a_ball_is_cut_at_the_bounds() -> None:
    pixels = Bounds(torch.tensor(0.0), torch.tensor(255.0))
    ball = ball_around(torch.tensor([[1.0, 100.0, 253.0]]), torch.tensor([4.0]), pixels)
    assert torch.equal(ball.lower, torch.tensor([[0.0, 96.0, 249.0]]))
    assert torch.equal(ball.upper, torch.tensor([[5.0, 104.0, 255.0]]))


def test_bounds_are_widened_to_contain_an_observation_outside_of_them() -> None:
    unit = Bounds(torch.tensor(0.0), torch.tensor(1.0))
    ball = ball_around(torch.tensor([[-3.0, 3.0]]), torch.tensor([0.5]), unit)
    assert torch.equal(ball.lower, torch.tensor([[-3.0, 2.5]]))
    assert torch.equal(ball.upper, torch.tensor([[-2.5, 3.0]]))


def test_no_limit_is_farther_than_epsilon_in_float32_arithmetic() -> None:
    observation = torch.randn(50, 400, generator=torch.Generator().manual_seed(0)) * 10
    epsilon = draw(50)
    plain_excess = (observation + epsilon[:, None]) - observation > epsilon[:, None]
    ball = ball_around(observation, epsilon, unbounded())
    assert plain_excess.any()
    assert ((ball.upper - observation) <= epsilon[:, None]).all()
    assert ((observation - ball.lower) <= epsilon[:, None]).all()
    torch.testing.assert_close(ball.upper, observation + epsilon[:, None])


def test_an_epsilon_of_zero_is_the_observation_alone() -> None:
    observation = draw(3, 5)
    ball = ball_around(observation, torch.zeros(3), unbounded())
    assert torch.equal(ball.lower, observation)
    assert torch.equal(ball.upper, observation)


def test_the_start_is_uniform_in_the_ball() -> None:
    observation = torch.full((2, 100_000), 10.0)
    epsilon = torch.tensor([1.0, 4.0])
    ball, whole = ball_around(observation, epsilon, unbounded()), torch.ones(2)
    start = uniform_start(observation, epsilon[:, None], draw(2, 100_000), ball, whole)
    scaled = (start - observation) / epsilon[:, None]
    assert scaled.abs().max() <= 1
    for share in (0.1, 0.25, 0.5, 0.9):
        assert torch.allclose((scaled <= 2 * share - 1).float().mean(dim=1), torch.tensor(share), atol=0.01)


def test_the_start_is_uniform_before_it_is_clipped_to_the_bounds() -> None:
    pixels = Bounds(torch.tensor(0.0), torch.tensor(255.0))
    observation = torch.zeros(1, 100_000)
    epsilon = torch.tensor([4.0])
    ball = ball_around(observation, epsilon, pixels)
    start = uniform_start(observation, epsilon[:, None], draw(1, 100_000), ball, torch.ones(1))
    assert abs((start == 0).double().mean().item() - 0.5) < 0.01


def test_bounds_of_a_space_may_differ_by_entry_and_be_open() -> None:
    bounds = Bounds.of(BoxSpace(shape=(2, 2), dtype="float32", low=[-1.0, None, 0.0, -2.0], high=None))
    assert torch.equal(bounds.low, torch.tensor([[-1.0, -torch.inf], [0.0, -2.0]]))
    assert torch.equal(bounds.high, torch.tensor(torch.inf))
