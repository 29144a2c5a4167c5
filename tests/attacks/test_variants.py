"""The options of an attack: round balls, restarts, rounding, single steps, the worst of a set, search, frames."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from saddlepoint.attacks.ball import Bounds
from saddlepoint.attacks.frames import Frames, carry, tied_to_newest
from saddlepoint.attacks.heads import CATEGORICAL
from saddlepoint.attacks.pgd import Extras, Perturbed, perturb
from saddlepoint.attacks.rows import Rows
from saddlepoint.schemas.attacks import Always, AttackSpec, ResolvedAttack, resolve
from tests.attacks.toys import LinearPolicy, bent_policy, draw, unbounded

N, D = 8, 6


def resolved(kind: str, epsilon: float = 0.5, **options: Any) -> ResolvedAttack:
    spec = AttackSpec.model_validate({"kind": kind, **options})
    return resolve(spec, epsilon, steps=7, step_size=None, when=Always())


def observations() -> Tensor:
    return draw(N, D, seed=5) * 4 - 2


def extras(rows: Rows, frames: Frames | None = None) -> Extras:
    return Extras(
        restart_noise=lambda number: draw(N, D, seed=100 + number),
        frames=frames,
        streams=[np.random.default_rng(row) for row in range(len(rows))],
    )


def run(*attacks: ResolvedAttack, bounds: Bounds | None = None, policy: LinearPolicy | None = None) -> Perturbed:
    rows = Rows.of([attacks[row % len(attacks)] for row in range(N)])
    policy = policy or bent_policy()
    return perturb(policy, observations(), rows, draw(N, D), bounds or unbounded(), extras=extras(rows))


def test_an_l2_ball_holds_for_each_row() -> None:
    result = run(resolved("ce", norm="l2"), resolved("random", 0.3, norm="l2"))
    norms = (result.observation - observations()).double().norm(dim=1)
    assert (norms[::2] <= 0.5).all()
    assert (norms[1::2] <= 0.3).all()
    assert norms[::2].min() > 0.4  # and PGD ends near its surface
    assert result.rises[::2].all()


@pytest.mark.parametrize("epsilon", [0.3, 1.0])
@pytest.mark.parametrize("kind", ["ce", "random"])
def test_an_l2_ball_holds_where_rounding_a_picture_counts(kind: str, epsilon: float) -> None:
    """Without rounding towards the centre some of these rows lie outside by up to 3e-5 of the radius."""
    entries = 4 * 84 * 84
    policy = LinearPolicy(torch.randn(entries, 4, generator=torch.Generator().manual_seed(0)) * 0.01)
    pixels = (draw(N, entries, seed=1) * 255).round()
    rows = Rows.of([resolved(kind, epsilon, norm="l2", clip=False)] * N)
    found = perturb(policy, pixels, rows, draw(N, entries), unbounded()).observation
    norms = (found.double() - pixels.double()).norm(dim=1)
    assert (norms <= rows.epsilon.double()).all()
    assert norms.min() > 0.99 * epsilon


def test_the_start_in_an_l2_ball_is_uniform() -> None:
    """In d dimensions the share of the volume within r of the centre is r^d; the directions average to nothing."""
    rows = Rows.of([resolved("random", 1.0, norm="l2")] * 4000)
    policy, centre = LinearPolicy(torch.zeros(3, 2)), torch.zeros(4000, 3)
    x = perturb(policy, centre, rows, draw(4000, 3, seed=9), unbounded()).observation
    volume = x.double().norm(dim=1) ** 3
    quantiles = torch.quantile(volume, torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64))
    torch.testing.assert_close(quantiles, torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64), atol=0.03, rtol=0)
    assert x.mean(0).abs().max() < 0.03


def test_the_best_l2_perturbation_of_a_linear_policy_is_along_the_gradient() -> None:
    weights = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.5, 1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    result = run(resolved("max", norm="l2", steps=100), policy=LinearPolicy(weights))
    along = weights[:, 1] - weights[:, 0]
    top = (observations() @ weights).argmax(1)
    expected = 0.5 * along / along.norm() * torch.where(top == 0, 1.0, -1.0).unsqueeze(1)
    torch.testing.assert_close(result.observation - observations(), expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_epsilon_is_in_units_of_the_scale(norm: str) -> None:
    scale = torch.tensor([1.0, 2.0, 0.1, 5.0, 1.0, 0.5])
    bounds = Bounds(torch.tensor(-torch.inf), torch.tensor(torch.inf), scale)
    result = run(resolved("ce", norm=norm), bounds=bounds)
    in_units = (result.observation - observations()) / scale
    reach = in_units.abs().amax(1) if norm == "linf" else in_units.norm(dim=1)
    assert (reach <= 0.5 * (1 + 1e-5)).all()
    assert reach.min() > 0.4
    torch.testing.assert_close(result.linf, in_units.abs().amax(1))


def test_restarts_keep_the_highest_loss_of_each_row() -> None:
    options = {"steps": 1, "step_size": 0.01}
    once, often = run(resolved("ce", **options)), run(resolved("ce", restarts=5, **options))
    assert (often.loss >= once.loss).all()
    assert (often.loss > once.loss).any()
    mixed = run(resolved("ce", **options), resolved("ce", restarts=5, **options))
    assert torch.equal(mixed.observation[::2], once.observation[::2])
    assert torch.equal(mixed.observation[1::2], often.observation[1::2])


def test_rounding_gives_whole_numbers_no_farther_than_epsilon() -> None:
    policy, pixels = bent_policy(), torch.round(draw(N, D, seed=5) * 10)
    rows = Rows.of([resolved("ce", 2.5, quantize=True), resolved("ce", 2.5)] * (N // 2))
    result = perturb(policy, pixels, rows, draw(N, D), Bounds(torch.tensor(0.0), torch.tensor(255.0)))
    assert torch.equal(result.observation[::2], result.observation[::2].round())
    assert result.linf[::2].max() == 2.0
    assert not torch.equal(result.observation[1::2], result.observation[1::2].round())


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_fgsm_is_one_step_of_epsilon_from_the_clean_observation(norm: str) -> None:
    policy = bent_policy()
    leaf = observations().requires_grad_()
    clean = policy(leaf)
    loss = torch.nn.functional.cross_entropy(clean, clean.detach().argmax(1), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, leaf)
    direction = gradient.sign() if norm == "linf" else gradient / gradient.norm(dim=1, keepdim=True)
    torch.testing.assert_close(run(resolved("fgsm", norm=norm)).observation, observations() + 0.5 * direction)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_single_step_on_a_loss_that_is_flat_at_the_clean_observation_starts_beside_it(norm: str) -> None:
    result = run(resolved("fgsm", loss="kl", norm=norm))
    assert result.rises.all()
    assert not result.zero_gradient.any()


def test_the_worst_of_a_set_is_never_better_than_its_members() -> None:
    members = [run(resolved(kind)) for kind in ("ce", "max", "min")]
    worst = run(resolved("worst", members=["ce", "max", "min"]))
    cross_entropies = torch.stack([_ce(result) for result in members[:1]])
    assert (worst.loss >= cross_entropies.amax(0) - 1e-6).all()
    torch.testing.assert_close(worst.loss, _ce(worst))


def _ce(result: Perturbed) -> Tensor:
    return CATEGORICAL.loss(result.outputs, result.clean_outputs, {"ce": torch.ones(N, dtype=torch.bool)})


def test_without_bounds_an_observation_may_leave_them() -> None:
    bounds = Bounds(torch.tensor(-1.0), torch.tensor(1.0))
    free, held = run(resolved("ce", clip=False), bounds=bounds), run(resolved("ce"), bounds=bounds)
    inside = observations().abs() <= 1
    assert (free.observation[inside].abs() > 1).any()
    assert (held.observation[inside].abs() <= 1).all()


def test_square_needs_no_gradient_and_beats_random_noise() -> None:
    policy = bent_policy()
    searched = run(resolved("square", loss="ce", steps=200), policy=policy)
    assert "attack" not in policy.calls
    noise, climbed = run(resolved("random")), run(resolved("ce"))
    assert (searched.loss > noise.loss).all()
    assert searched.loss.mean() > 0.9 * climbed.loss.mean()
    assert (searched.linf <= 0.5).all()


def test_a_search_asks_the_black_box_alone_as_often_as_it_may() -> None:
    policy, black_box = bent_policy(), bent_policy()
    rows = Rows.of([resolved("square", steps=20)] * N)
    found = perturb(policy, observations(), rows, draw(N, D), unbounded(), black_box=black_box, extras=extras(rows))
    assert policy.calls == ["forward", "forward"]  # the clean outputs, and those that are acted on
    assert black_box.calls == ["forward"] * 20
    assert torch.equal(found.observation, run(resolved("square", steps=20), policy=policy).observation)


def test_a_search_does_not_depend_on_its_neighbours() -> None:
    alone = run(resolved("square"))
    mixed = run(resolved("square"), resolved("ce"))
    assert torch.equal(alone.observation[::2], mixed.observation[::2])
    assert torch.equal(run(resolved("ce")).observation[1::2], mixed.observation[1::2])


class StackPolicy(LinearPolicy):
    """On stacks (N, 3, 2, 2), in the layout of observations."""

    def to_attack_layout(self, observation: Tensor, /) -> Tensor:
        return observation

    def from_attack_layout(self, arranged: Tensor, /) -> Tensor:
        return arranged

    def _logits(self, observation: Tensor) -> Tensor:
        """Of what `forward_attack` has turned round."""
        return super()._logits(observation.flip(-1).flatten(1))


def test_only_the_newest_frame_is_perturbed_anew() -> None:
    policy = StackPolicy(torch.randn(12, 4, generator=torch.Generator().manual_seed(0)))
    stack, noise = draw(N, 3, 2, 2, seed=1) * 100, draw(N, 3, 2, 2, seed=2)
    carried = torch.zeros_like(stack)
    carried[:, 0], carried[:, 1] = 0.25, -0.5
    rows = Rows.of([resolved("ce", frame_consistent=True)] * N)
    frames = Frames(rows.frame_consistent, carried, torch.zeros(N, 3, dtype=torch.bool))
    delta = perturb(policy, stack, rows, noise, unbounded(), extras=extras(rows, frames)).observation - stack
    torch.testing.assert_close(delta[:, :2], carried[:, :2], atol=1e-4, rtol=0)
    torch.testing.assert_close(delta[:, 2].abs(), torch.full((N, 2, 2), 0.5), atol=1e-4, rtol=0)


def test_copies_of_the_newest_frame_get_what_it_gets() -> None:
    policy = StackPolicy(torch.randn(12, 4, generator=torch.Generator().manual_seed(0)))
    stack = (draw(N, 1, 2, 2, seed=1) * 100).expand(N, 3, 2, 2).clone()
    stack[:, 0] = 7.0
    rows = Rows.of([resolved("ce", frame_consistent=True)] * N)
    tied = tied_to_newest(stack)
    assert tied.tolist() == [[False, True, False]] * N
    frames = Frames(rows.frame_consistent, torch.zeros_like(stack), tied)
    noise = draw(N, 3, 2, 2, seed=2)
    result = perturb(policy, stack, rows, noise, unbounded(), extras=extras(rows, frames))
    assert torch.equal(result.observation[:, 1], result.observation[:, 2])
    assert torch.equal(result.observation[:, 0], stack[:, 0])
    assert torch.equal(carry(result.observation - stack)[:, 1], (result.observation - stack)[:, 2])


def test_a_frame_is_not_tied_across_a_gap() -> None:
    stack = torch.tensor([1.0, 2.0, 1.0]).reshape(1, 3, 1, 1)
    assert tied_to_newest(stack).tolist() == [[False, False, False]]
