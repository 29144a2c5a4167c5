import pytest
import torch
from torch import Tensor

from saddlepoint.attacks.ball import Bounds
from saddlepoint.attacks.pgd import Perturbed, perturb
from saddlepoint.attacks.rows import Rows, uniform_rows
from saddlepoint.schemas.attacks import AttackKind, ResolvedAttack
from tests.attacks.toys import LinearPolicy, attack, bent_policy, draw, unbounded

GRADIENT_KINDS: list[AttackKind] = ["ce", "max", "min"]
N, D = 8, 6


def observations() -> Tensor:
    return draw(N, D, seed=5) * 4 - 2


def run(
    policy: LinearPolicy,
    attacks: list[ResolvedAttack],
    bounds: Bounds | None = None,
    attack_network: LinearPolicy | None = None,
) -> Perturbed:
    rows, noise = Rows.of(attacks), draw(N, D)
    return perturb(policy, observations(), rows, noise, bounds or unbounded(), attack_network=attack_network)


@pytest.mark.parametrize("kind", GRADIENT_KINDS)
def test_the_best_perturbation_of_a_linear_two_action_policy_is_a_corner(kind: AttackKind) -> None:
    """The margin of the top action falls fastest along -sign(w_top - w_other), and PGD ends in that corner."""
    weights = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.5, 1.0]])
    observation = torch.tensor([[3.0, 1.0, 0.0], [0.0, 1.0, 1.0]])  # top actions: 0 and 1
    result = perturb(LinearPolicy(weights), observation, uniform_rows(attack(kind), 2), draw(2, 3), unbounded())
    expected = observation + 0.5 * torch.tensor([[-1.0, 1.0, 1.0], [1.0, -1.0, -1.0]])
    assert torch.equal(expected, result.observation)


@pytest.mark.parametrize("kind", GRADIENT_KINDS)
def test_the_loss_rises_on_every_row(kind: AttackKind) -> None:
    result = run(bent_policy(), [attack(kind)] * N)
    assert (result.loss > result.clean_loss).all()
    assert result.rises.all()
    assert (result.best_loss >= result.loss).all()


def test_pgd_raises_the_loss_more_than_random_noise_does() -> None:
    noise, climbed = (run(bent_policy(), [attack(kind)] * N) for kind in ("random", "ce"))
    assert (climbed.loss > noise.loss).all()


@pytest.mark.parametrize("kind", ["random", *GRADIENT_KINDS])
def test_the_perturbation_stays_in_the_ball_and_in_the_bounds(kind: AttackKind) -> None:
    bounds = Bounds(torch.tensor(-1.0), torch.tensor(1.0))
    result = run(bent_policy(), [attack(kind, epsilon=0.3)] * N, bounds)
    clean = observations()
    assert (result.linf <= torch.tensor(0.3)).all()
    assert torch.equal(result.linf, (result.observation - clean).abs().amax(1))
    assert (result.observation >= torch.minimum(clean, torch.tensor(-1.0))).all()
    assert (result.observation <= torch.maximum(clean, torch.tensor(1.0))).all()


def test_none_is_untouched_and_random_is_the_uniform_start() -> None:
    result = run(bent_policy(), [attack("none"), attack("random"), *[attack("ce")] * (N - 2)])
    clean = observations()
    assert torch.equal(clean[0], result.observation[0])
    assert torch.equal(result.clean_outputs[0], result.outputs[0])
    assert torch.equal(clean[1] + (draw(N, D)[1] * 2 - 1) * 0.5, result.observation[1])


def test_an_epsilon_of_zero_is_exactly_clean() -> None:
    attacks = [ResolvedAttack(kind="ce", epsilon=0.0, steps=7, step_size=0.0), *[attack("ce")] * (N - 1)]
    result = run(bent_policy(), attacks)
    assert torch.equal(observations()[0], result.observation[0])
    assert result.linf[0] == 0
    assert not result.zero_gradient.any()


def test_a_row_does_not_depend_on_the_attacks_of_its_neighbours() -> None:
    attacks = [
        attack("none"),
        attack("random", 0.2),
        attack("ce", 0.5, steps=3),
        attack("ce", 0.1, steps=7),
        attack("max", 0.5, steps=1),
        attack("max", 0.3, steps=5, step_size=0.05),
        attack("random").model_copy(update={"norm": "l2"}),
        attack("ce", steps=3).model_copy(update={"norm": "l2"}),
    ]
    less_precise = LinearPolicy(bent_policy().weights * 1.1)
    together = run(bent_policy(), attacks, attack_network=less_precise)
    for row, own in enumerate(attacks):
        alone = run(bent_policy(), [own] * N, attack_network=less_precise)
        for field in ("observation", "outputs", "loss", "clean_loss", "best_loss", "rises", "zero_gradient", "linf"):
            assert torch.equal(getattr(alone, field)[row], getattr(together, field)[row]), (own, field)


def test_a_row_stops_after_its_own_steps() -> None:
    short = run(bent_policy(), [attack("ce", steps=2, step_size=0.01)] * N)
    mixed = run(bent_policy(), [attack("ce", steps=2, step_size=0.01), *[attack("ce", steps=30)] * (N - 1)])
    assert torch.equal(short.observation[0], mixed.observation[0])


def test_one_step_moves_every_entry_by_the_step_size() -> None:
    start = run(bent_policy(), [attack("random")] * N)
    moved = run(bent_policy(), [attack("ce", steps=1, step_size=2.0**-6)] * N)
    inside = moved.observation.sub(observations()).abs() < 0.5 - 2.0**-6
    steps = (moved.observation - start.observation)[inside].abs()
    torch.testing.assert_close(steps, torch.full_like(steps, 2.0**-6))


def test_a_uniform_policy_has_no_gradient_and_every_row_is_counted() -> None:
    result = run(LinearPolicy(torch.zeros(D, 3)), [attack("ce")] * N)
    assert result.zero_gradient.all()
    assert not result.rises.any()
    assert torch.isfinite(result.observation).all()


def test_a_row_that_takes_no_steps_is_not_counted() -> None:
    result = run(LinearPolicy(torch.zeros(D, 3)), [attack("random"), attack("none"), *[attack("ce")] * (N - 2)])
    assert result.zero_gradient.tolist() == [False, False, *[True] * (N - 2)]


def test_a_policy_without_any_gradient_is_counted_and_not_moved_from_its_start() -> None:
    class Thresholds(LinearPolicy):
        def _logits(self, observation: Tensor) -> Tensor:
            return super()._logits((observation > 0.5).float())

    result = run(Thresholds(bent_policy().weights), [attack("ce")] * N)
    assert result.zero_gradient.all()
    assert torch.equal(result.observation, run(bent_policy(), [attack("random")] * N).observation)


def test_masked_actions_stay_out_of_the_way() -> None:
    class Masked(LinearPolicy):
        def _logits(self, observation: Tensor) -> Tensor:
            return super()._logits(observation).index_fill(1, torch.tensor([1]), -torch.inf)

    result = perturb(Masked(draw(D, 3) - 0.5), observations(), uniform_rows(attack("ce"), N), draw(N, D), unbounded())
    assert torch.isfinite(result.observation).all()
    assert torch.isfinite(result.loss).all()
    assert result.rises.all()


def test_without_gradient_rows_the_loop_is_skipped() -> None:
    policy = bent_policy()
    run(policy, [attack("random"), *[attack("none")] * (N - 1)])
    assert policy.calls == ["forward", "forward"]


def test_a_batch_of_clean_rows_is_computed_once_and_needs_no_noise() -> None:
    policy = bent_policy()
    result = perturb(policy, observations(), uniform_rows(attack("none"), N), None, unbounded())
    assert policy.calls == ["forward"]
    assert torch.equal(observations(), result.observation)
    assert not result.rises.any()


def test_a_ball_without_noise_to_start_from_is_refused() -> None:
    with pytest.raises(ValueError, match="noise"):
        perturb(bent_policy(), observations(), uniform_rows(attack("ce"), N), None, unbounded())


def test_gradients_come_from_the_attack_network_and_everything_else_from_the_network() -> None:
    acting, attacking = bent_policy(), bent_policy()
    rows = uniform_rows(attack("ce", steps=4), N)
    result = perturb(acting, observations(), rows, draw(N, D), unbounded(), attack_network=attacking)
    assert attacking.calls == ["attack"] * 4
    assert acting.calls == ["forward", "forward"]
    assert torch.equal(acting(result.observation), result.outputs)


def test_the_callers_observation_is_left_alone() -> None:
    observation = observations()
    perturb(bent_policy(), observation, uniform_rows(attack("ce"), N), draw(N, D), unbounded())
    assert torch.equal(observations(), observation)


@pytest.mark.parametrize("kind", GRADIENT_KINDS)
def test_the_walk_is_the_textbook_one(kind: AttackKind) -> None:
    """Plain autograd on the loss in the books, float64: the sign steps must agree."""
    policy = bent_policy()
    clean = policy(observations())
    x = observations() + (draw(N, D) * 2 - 1) * 0.5
    for _ in range(7):
        leaf = x.clone().requires_grad_()
        loss = _textbook_loss(kind, policy(leaf).double(), clean.double()).sum()
        (gradient,) = torch.autograd.grad(loss, leaf)
        x = torch.clamp(x + 0.25 * gradient.sign(), observations() - 0.5, observations() + 0.5)
    torch.testing.assert_close(run(policy, [attack(kind)] * N).observation, x)


def _textbook_loss(kind: AttackKind, perturbed: Tensor, clean: Tensor) -> Tensor:
    log_p = perturbed.log_softmax(1)
    if kind == "ce":
        return -(log_p.exp() * clean.log_softmax(1)).sum(1)
    if kind == "max":
        return torch.nn.functional.cross_entropy(perturbed, clean.argmax(1), reduction="none")
    return -torch.nn.functional.cross_entropy(perturbed, clean.argmin(1), reduction="none")
