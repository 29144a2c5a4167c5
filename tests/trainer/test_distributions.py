"""Drawing, measuring and comparing what a head means."""

from math import log

import pytest
import torch

from trainer.distributions import Categorical


def test_sampling_follows_the_probabilities() -> None:
    logits = torch.tensor([0.7, 0.2, 0.1]).log().expand(20_000, 3)
    actions = Categorical().sample(logits, torch.Generator().manual_seed(0))
    shares = torch.bincount(actions).double() / len(actions)
    assert shares.tolist() == pytest.approx([0.7, 0.2, 0.1], abs=0.015)


def test_the_log_probability_is_that_of_each_action() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]).log()
    got = Categorical().log_probability(logits + 3.0, torch.tensor([1, 0]))
    assert got.tolist() == pytest.approx([log(0.3), log(0.1)])


def test_a_uniform_policy_has_the_entropy_of_its_count() -> None:
    assert Categorical().entropy(torch.zeros(3, 4)).tolist() == pytest.approx([log(4)] * 3)


def test_the_divergence_is_that_of_the_first_from_the_second() -> None:
    p, q = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.25, 0.75]])
    expected = 0.5 * log(0.5 / 0.25) + 0.5 * log(0.5 / 0.75)
    assert Categorical().divergence(p.log(), q.log()).tolist() == pytest.approx([expected])
