import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from saddlepoint.attacks.continuous import ActionBounds
from saddlepoint.attacks.heads import Continuous
from saddlepoint.attacks.pgd import Perturbed, perturb
from saddlepoint.attacks.rows import uniform_rows
from saddlepoint.schemas.attacks import Objective
from tests.attacks.toys import BentPolicy, attack, draw, unbounded

N, D, ACTIONS = 8, 5, 2
UNIT = ActionBounds(torch.full((ACTIONS,), -1.0), torch.full((ACTIONS,), 1.0))


def head(
    *, greedy: bool = False, is_gaussian: bool = True, squash: bool = False, fixed_deviation: bool = False
) -> Continuous:
    rows = torch.full((N,), greedy)
    return Continuous(UNIT, rows, is_gaussian=is_gaussian, squash=squash, fixed_deviation=fixed_deviation)


def whole(objective: Objective) -> dict[Objective, Tensor]:
    return {objective: torch.ones(N, dtype=torch.bool)}


def gaussian_policy(fixed: bool) -> BentPolicy:
    """Means that bend, and a log_std that is constant or does not stand still."""
    generator = torch.Generator().manual_seed(0)

    class Policy(BentPolicy):
        def _logits(self, observation: Tensor) -> Tensor:
            mean = super()._logits(observation)
            return torch.cat([mean, torch.full_like(mean, -0.5) if fixed else mean.flip(1) / 3], dim=1)

    return Policy(torch.randn(D, ACTIONS, generator=generator))


def run(policy: BentPolicy, kind: Objective, of: Continuous) -> Perturbed:
    observation = draw(N, D, seed=5) * 2 - 1
    return perturb(policy, observation, uniform_rows(attack(kind, 0.2), N), draw(N, D), unbounded(), head=of)


@pytest.mark.parametrize("kind", ["ce", "kl", "max", "min"])
def test_losses_are_those_of_torch_distributions(kind: Objective) -> None:
    clean, perturbed = (torch.randn(N, 2 * ACTIONS, generator=torch.Generator().manual_seed(s)) for s in (1, 2))
    p, q = (torch.distributions.Normal(x[:, :ACTIONS], x[:, ACTIONS:].exp()) for x in (clean, perturbed))
    constant = ACTIONS / 2 * math.log(2 * math.pi)
    corner = torch.where(clean[:, :ACTIONS].clamp(-1, 1) > 0, -1.0, 1.0)
    expected = {
        "ce": torch.distributions.kl_divergence(q, p).sum(1) + q.entropy().sum(1) - constant,  # type: ignore[no-untyped-call]
        "kl": torch.distributions.kl_divergence(p, q).sum(1),
        "max": -q.log_prob(p.mean).sum(1) - constant,  # type: ignore[no-untyped-call]
        "min": q.log_prob(corner).sum(1) + constant,  # type: ignore[no-untyped-call]
    }
    torch.testing.assert_close(head().loss(perturbed, clean, whole(kind)), expected[kind])


def test_with_a_fixed_deviation_ce_kl_and_max_reach_the_same_point() -> None:
    policy = gaussian_policy(fixed=True)
    points = [run(policy, kind, head(fixed_deviation=True)).observation for kind in ("ce", "kl", "max")]
    assert torch.equal(points[0], points[1])
    assert torch.equal(points[0], points[2])


@pytest.mark.parametrize("kind", ["ce", "kl", "max", "min"])
@pytest.mark.parametrize("fixed", [True, False])
def test_the_loss_rises_on_every_row(kind: Objective, fixed: bool) -> None:
    result = run(gaussian_policy(fixed), kind, head(fixed_deviation=fixed))
    assert (result.loss > result.clean_loss).all()
    assert result.rises.all()


def test_a_greedy_row_is_judged_by_the_action_that_is_played_and_not_by_the_deviation() -> None:
    """Where only the deviation depends on the observation, an attacker of a greedy policy has nothing to gain."""

    class Wide(BentPolicy):
        def _logits(self, observation: Tensor) -> Tensor:
            deviation = super()._logits(observation)
            return torch.cat([torch.zeros_like(deviation), deviation], dim=1)

    policy = Wide(torch.randn(D, ACTIONS, generator=torch.Generator().manual_seed(0)))
    assert run(policy, "ce", head(greedy=True)).zero_gradient.all()
    assert run(policy, "ce", head(greedy=False)).rises.sum() > N / 2


def test_an_action_is_attacked_by_its_squared_distance() -> None:
    clean, perturbed = torch.zeros(N, ACTIONS), torch.full((N, ACTIONS), 0.5)
    loss = head(is_gaussian=False, greedy=True).loss(perturbed, clean, whole("ce"))
    torch.testing.assert_close(loss, torch.full((N,), ACTIONS * 0.25))


class Beyond(BentPolicy):
    """Actions (or their Gaussians) that lie a little beyond a bound, and can be brought back inside the ball."""

    def __init__(self, beyond: float, *, deviates: bool = False) -> None:
        super().__init__(torch.full((D, ACTIONS), 0.5) * torch.tensor([1.0, -1.0]))
        self.beyond, self.deviates = beyond, deviates

    def _logits(self, observation: Tensor) -> Tensor:
        mean = observation @ self.weights + torch.tensor([self.beyond, -self.beyond])
        return torch.cat([mean, mean.tanh()], dim=1) if self.deviates else mean


def at_origin(policy: BentPolicy, kind: Objective, of: Continuous, epsilon: float) -> Perturbed:
    return perturb(policy, torch.zeros(N, D), uniform_rows(attack(kind, epsilon), N), draw(N, D), unbounded(), head=of)


@pytest.mark.parametrize("kind", ["ce", "kl", "max", "min"])
@pytest.mark.parametrize("deviates", [False, True])
def test_actions_beyond_a_bound_are_brought_back(kind: Objective, deviates: bool) -> None:
    """There the played action does not move with the mean: without more, an attack would stay where it started."""
    found = at_origin(Beyond(1.5, deviates=deviates), kind, head(greedy=True, is_gaussian=deviates), 0.4)
    torch.testing.assert_close(found.outputs[:, :ACTIONS], torch.tensor([[0.5, -0.5]]).expand(N, ACTIONS))
    assert found.rises.all()
    assert not found.zero_gradient.any()


@pytest.mark.parametrize("high", [1.0, torch.inf])
def test_without_a_bound_there_is_no_top(high: float) -> None:
    """A policy that answers everything alike is stuck, and not as high as it can be."""
    constant = Beyond(0.5)
    constant.weights.zero_()
    of = replace(
        head(greedy=True, is_gaussian=False), bounds=ActionBounds(torch.full((2,), -high), torch.full((2,), high))
    )
    found = at_origin(constant, "ce", of, 0.4)
    assert found.zero_gradient.all()
    assert not found.rises.any()


@pytest.mark.parametrize("kind", ["ce", "min"])
def test_actions_where_a_tanh_is_flat_are_brought_back(kind: Objective) -> None:
    found = at_origin(Beyond(25.0), kind, head(greedy=True, is_gaussian=False, squash=True), 20.0)
    assert (found.outputs.sign() == torch.tensor([-1.0, 1.0])).all()
    assert found.rises.all()


def test_sampled_actions_are_led_by_their_distribution_alone() -> None:
    sampled, greedy = (at_origin(Beyond(1.5, deviates=True), "ce", head(greedy=mode), 0.4) for mode in (False, True))
    assert not torch.equal(sampled.observation, greedy.observation)
    slope = head().climbed(sampled.clean_outputs, whole("kl")).gradient(sampled.clean_outputs)
    assert not slope.any()


def test_min_pulls_towards_the_corner_farthest_from_the_clean_action() -> None:
    policy = gaussian_policy(fixed=True)
    result = run(policy, "min", head(fixed_deviation=True))
    before, after = result.clean_outputs[:, :ACTIONS], result.outputs[:, :ACTIONS]
    corner = torch.where(before > 0, -1.0, 1.0)
    assert ((after - corner).square().sum(1) < (before - corner).square().sum(1)).all()


@pytest.mark.parametrize("squash", [False, True])
def test_what_is_played_stays_in_the_bounds(squash: bool) -> None:
    bounds = ActionBounds(torch.tensor([0.0, -2.0]), torch.tensor([4.0, 2.0]))
    played = bounds.executed(torch.tensor([[9.0, -9.0], [0.5, 0.0]]), squash=squash)
    expected = [[4.0, -2.0], [2.0 * (1 + math.tanh(0.5)), 0.0]] if squash else [[4.0, -2.0], [0.5, 0.0]]
    torch.testing.assert_close(played, torch.tensor(expected))


def test_a_squashed_policy_is_compared_before_the_tanh_when_it_samples() -> None:
    clean, perturbed = (
        torch.zeros(N, 2 * ACTIONS),
        torch.cat([torch.full((N, ACTIONS), 8.0), torch.zeros(N, ACTIONS)], 1),
    )
    sampled = head(squash=True).loss(perturbed, clean, whole("ce"))
    played = head(squash=True, greedy=True).loss(perturbed, clean, whole("ce"))
    torch.testing.assert_close(sampled, torch.full((N,), ACTIONS * (1 + 64) / 2))
    torch.testing.assert_close(played, torch.full((N,), ACTIONS * math.tanh(8.0) ** 2))


@pytest.mark.parametrize("greedy", [False, True])
@pytest.mark.parametrize("kind", ["ce", "kl", "max", "min"])
def test_a_tanh_without_bounds_is_attacked_as_one_of_minus_one_to_one(kind: Objective, greedy: bool) -> None:
    """As for single observations, of whose environment nothing is known."""
    policy, endless = gaussian_policy(False), torch.full((ACTIONS,), torch.inf)
    known = head(greedy=greedy, squash=True)
    found, expected = (run(policy, kind, of) for of in (replace(known, bounds=ActionBounds(-endless, endless)), known))
    assert torch.equal(found.observation, expected.observation)
    assert torch.equal(found.loss, expected.loss)
    assert found.rises.sum() >= N - 1
