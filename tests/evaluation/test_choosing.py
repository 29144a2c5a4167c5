"""Choosing among actions by scores that are none."""

import pytest
import torch

from saddlepoint.errors import ActionMismatch
from saddlepoint.evaluation.choosing import choice_of
from saddlepoint.schemas.plans import PolicyHead
from tests.evaluation.plans import CARTPOLE


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf])
def test_scores_that_are_no_numbers_are_refused(wrong: float) -> None:
    choice, outputs = choice_of(PolicyHead(), CARTPOLE), torch.tensor([[0.0, 1.0], [wrong, 0.0]])
    with pytest.raises(ActionMismatch, match="finite"):
        choice.greedy(outputs)


def test_a_masked_action_is_never_chosen() -> None:
    choice = choice_of(PolicyHead(), CARTPOLE)
    outputs = torch.tensor([[-torch.inf, 0.0]] * 100)
    actions, lanes = choice.greedy(outputs), list(range(100))
    assert actions.tolist() == [1] * 100
    choice.sample_(actions, outputs, lanes, (lanes, [0] * 100, [0] * 100))
    assert actions.tolist() == [1] * 100
