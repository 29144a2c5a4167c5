"""Drawing, measuring and comparing what a head means."""

from math import e, log, pi, tanh

import pytest
import torch

from saddlepoint.attacks.continuous import ActionBounds
from saddlepoint.attacks.rows import Masks
from saddlepoint.schemas.environments import ContinuousSpace, DiscreteSpace
from trainer.distributions import Categorical, Gaussian, distribution_of


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


UNIT = ActionBounds(torch.tensor([-1.0, -1.0]), torch.tensor([1.0, 1.0]))
UNBOUNDED = ContinuousSpace(n=1, shape=(1,), low=None, high=2.0)


def gaussian(mean: list[float], deviation: list[float]) -> torch.Tensor:
    return torch.tensor([[*mean, *map(log, deviation)]])


def test_samples_have_the_mean_and_the_deviation_of_the_head() -> None:
    head = gaussian([1.0, -3.0], [0.5, 2.0]).expand(20_000, 4)
    samples = Gaussian(UNIT).sample(head, torch.Generator().manual_seed(0))
    assert samples.dtype == torch.float32
    assert samples.mean(0).tolist() == pytest.approx([1.0, -3.0], abs=0.05)
    assert samples.std(0).tolist() == pytest.approx([0.5, 2.0], rel=0.02)


@pytest.mark.parametrize(("squash", "expected"), [(False, [-1.0, 0.5]), (True, [tanh(-4.0), tanh(0.5)])])
def test_what_is_executed_lies_within_the_bounds(squash: bool, expected: list[float]) -> None:
    assert Gaussian(UNIT, squash).executed(torch.tensor([[-4.0, 0.5]]))[0].tolist() == pytest.approx(expected)


def test_a_squashed_action_fills_the_bounds_of_the_space() -> None:
    bounds = ActionBounds(torch.tensor([0.0]), torch.tensor([10.0]))
    assert Gaussian(bounds, squash=True).executed(torch.tensor([[0.0], [20.0]])).tolist() == [[5.0], [10.0]]


def test_the_density_of_a_sample_beyond_the_bounds_is_its_own() -> None:
    # -log(0.5 sqrt(2 pi)) - (4 / 0.5)^2 / 2 and -log(2 sqrt(2 pi)) - (1 / 2)^2 / 2
    got = Gaussian(UNIT).log_probability(gaussian([0.0, 1.0], [0.5, 2.0]), torch.tensor([[4.0, 0.0]]))
    assert got.tolist() == pytest.approx([-log(2 * pi) - 32.0 - 0.125])


def test_the_entropy_of_a_gaussian_follows_from_its_deviation() -> None:
    got = Gaussian(UNIT).entropy(gaussian([5.0, -5.0], [1.0, 2.0]))
    assert got.tolist() == pytest.approx([log(2 * pi * e) + log(2.0)])


def test_the_divergence_of_gaussians_is_that_of_the_first_from_the_second() -> None:
    # log(2 / 1) + (1 + (3 - 1)^2) / (2 * 4) - 1 / 2, and 0 for equal ones
    got = Gaussian(UNIT).divergence(gaussian([3.0, 7.0], [1.0, 0.5]), gaussian([1.0, 7.0], [2.0, 0.5]))
    assert got.tolist() == pytest.approx([log(2.0) + 5 / 8 - 0.5])


def test_an_attack_on_the_training_judges_samples_and_not_the_mean() -> None:
    head = Gaussian(UNIT).attacked_head(2)
    clean = gaussian([0.0, 0.0], [1.0, 1.0]).expand(2, 4)
    moved = gaussian([3.0, 0.0], [1.0, 1.0]).expand(2, 4)
    everywhere: Masks = {"max": torch.ones(2, dtype=torch.bool)}
    # Beyond the bounds the mean is clipped, the density of the clean mean is not: 3^2 / 2.
    assert head.loss(moved, clean, everywhere).tolist() == pytest.approx([4.5, 4.5])


def test_choices_are_executed_as_they_are() -> None:
    actions = torch.tensor([2, 0])
    assert distribution_of(DiscreteSpace(n=3), "cpu").executed(actions) is actions


def test_a_side_without_a_bound_is_not_clipped() -> None:
    found = distribution_of(UNBOUNDED, "cpu").executed(torch.tensor([[-9.0], [9.0]]))
    assert found.tolist() == [[-9.0], [2.0]]
