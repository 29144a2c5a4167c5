import pytest
import torch
from torch import Tensor

from saddlepoint.attacks.ball import Ball
from saddlepoint.attacks.step import ascend_, zero_rows


def ascended(x: Tensor, gradient: Tensor, step_size: Tensor, limit: float = 10.0) -> Tensor:
    ball = Ball(torch.full_like(x, -limit), torch.full_like(x, limit))
    ascend_(x, gradient, step_size, ball, scratch=torch.empty_like(x))
    return x


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_step_goes_by_the_signs_and_each_row_by_its_own_size(dtype: torch.dtype) -> None:
    gradient = torch.tensor([[1e-30, -5.0, 0.0, -0.0], [torch.inf, -torch.inf, torch.nan, 2.0]], dtype=dtype)
    x = ascended(torch.ones(2, 4), gradient, torch.tensor([0.5, 0.25]))
    assert x.tolist() == [[1.5, 0.5, 1.0, 1.0], [1.25, 0.75, 1.0, 1.25]]


def test_a_step_ends_in_the_ball() -> None:
    x = ascended(torch.ones(1, 2), torch.tensor([[1.0, -1.0]]), torch.tensor([5.0]), limit=2.0)
    assert x.tolist() == [[2.0, -2.0]]


def test_a_step_in_another_memory_format_is_the_same_step() -> None:
    x, gradient = torch.randn(2, 2, 3, 4, 5, generator=torch.Generator().manual_seed(0)).unbind()
    expected = ascended(x.clone(), gradient, torch.tensor([0.5, 0.25]))
    last = torch.channels_last
    found = ascended(x.clone(memory_format=last), gradient.clone(memory_format=last), torch.tensor([0.5, 0.25]))
    assert torch.equal(expected, found)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(3,), (2, 4, 4)])
def test_rows_that_are_zero_everywhere(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    gradient = torch.zeros(6, *shape, dtype=dtype)
    gradient[1].view(-1)[-1] = -1e-30
    gradient[2].view(-1)[0] = 1.0
    gradient[3] = torch.nan
    gradient[4].view(-1)[:2] = torch.tensor([torch.nan, 1.0])
    gradient[5] = -1.0
    assert zero_rows(gradient).tolist() == [True, False, False, True, False, False]


def test_rows_of_which_none_is_zero_on_the_line_looked_at_first() -> None:
    assert zero_rows(torch.ones(3, 2, 4, 4)).tolist() == [False] * 3
