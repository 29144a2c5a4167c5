"""`value` beside a critic: Eq. 7 with the acting policy's own pi and its own Q(s, .), of whatever relation."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from saddlepoint.attacks.continuous import ActionBounds
from saddlepoint.attacks.heads import CATEGORICAL, Continuous
from saddlepoint.attacks.pgd import Extras, Perturbed, perturb
from saddlepoint.attacks.rows import Rows, uniform_rows
from saddlepoint.schemas.attacks import Always, AttackSpec, ResolvedAttack, resolve
from tests.attacks import plain
from tests.attacks.toys import BentPolicy, LinearPolicy, draw, unbounded

N, D, ACTIONS = 64, 6, 4
EPSILON = 0.2


@dataclass
class Known:
    """A critic of a choice, by its values; one of actions of numbers: the nearer to the target, the better."""

    values: Tensor

    def value_of(self, action: Tensor, /) -> Tensor:
        return -(action - self.values).square().sum(dim=1)


class Exact(BentPolicy):
    """In float64, where rounding decides no sign."""

    def _logits(self, observation: Tensor) -> Tensor:
        return super()._logits(observation.double())


class ExactActor(LinearPolicy):
    """Two numbers, before their tanh, in float64."""

    def _logits(self, observation: Tensor) -> Tensor:
        return observation.double() @ self.weights


def seeded(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


POLICY = Exact(seeded(D, ACTIONS, seed=0))
ACTOR = ExactActor(seeded(D, 2, seed=3) / 4)
OBSERVATION, NOISE = draw(N, D, seed=5).double(), draw(N, D).double()
VALUES = 100 + 30 * seeded(N, ACTIONS, seed=7)
"""Of no relation to what the policy prefers, and far from 0."""
TARGET = Known(seeded(N, 2, seed=8).tanh())


def attack(kind: str, epsilon: float = EPSILON, **options: Any) -> ResolvedAttack:
    spec = AttackSpec.model_validate({"kind": kind, **options})
    return resolve(spec, epsilon, steps=7, step_size=None, when=Always())


def attacked(rows: Rows, values: Tensor | None = VALUES, policy: Any = POLICY) -> Perturbed:
    extras = Extras(restart_noise=lambda number: draw(N, D, seed=number + 10).double())
    critic = None if values is None else Known(values)
    return perturb(policy, OBSERVATION, rows, NOISE, unbounded(), extras=replace(extras, critic=critic))


def moved(kind: str, epsilon: float = EPSILON) -> Perturbed:
    """An actor of numbers, attacked beside its critic."""
    head = Continuous(
        ActionBounds(torch.tensor([-1.0, -2.0]), torch.tensor([1.0, 3.0])),
        torch.ones(N, dtype=torch.bool),
        is_gaussian=False,
        squash=True,
    )
    rows = uniform_rows(attack(kind, epsilon), N)
    return perturb(ACTOR, OBSERVATION, rows, NOISE, unbounded(), head=head, extras=Extras(critic=TARGET))


def test_value_leads_an_action_back_from_where_its_tanh_is_flat() -> None:
    """As the critic would have the action itself move: here inwards in the first number, outwards in the second."""

    @dataclass(frozen=True)
    class Rising:
        values: Any = None

        def value_of(self, action: Tensor) -> Tensor:
            return action.sum(1)

    head = Continuous(
        ActionBounds(-torch.ones(2), torch.ones(2)), torch.ones(N, dtype=torch.bool), is_gaussian=False, squash=True
    ).judged_by(Rising())
    flat = torch.tensor([[30.0, -30.0]]).double().expand(N, 2)
    slope = head.climbed(flat, {"value": torch.ones(N, dtype=torch.bool)}).gradient(flat)
    torch.testing.assert_close(slope, -torch.ones(N, 2).double())


def start() -> Tensor:
    return OBSERVATION + (NOISE * 2 - 1) * EPSILON


def test_theorem_1_a_policy_that_is_the_softmax_of_its_values_is_attacked_alike_by_ce_and_value() -> None:
    clean = POLICY(OBSERVATION)
    by_value = attacked(uniform_rows(attack("value"), N), values=clean * 0.7 + seeded(N, 1, seed=9))
    by_ce = attacked(uniform_rows(attack("ce"), N))
    assert torch.equal(by_value.observation, by_ce.observation)


def test_other_values_lead_elsewhere_and_lower() -> None:
    by_value, by_ce = (attacked(uniform_rows(attack(kind), N)) for kind in ("value", "ce"))

    def worth(found: Perturbed) -> Tensor:
        return (found.outputs.softmax(1) * VALUES).sum(1)

    torch.testing.assert_close(by_value.loss, -worth(by_value))
    assert float(worth(by_value).mean()) < float(worth(by_ce).mean()) - 2
    assert float(by_value.rises.double().mean()) >= 0.95
    assert torch.equal(by_value.rises, by_value.loss > by_value.clean_loss)


def test_the_perturbations_are_those_of_eq_7_in_the_books() -> None:
    ours = attacked(uniform_rows(attack("value"), N))
    theirs = plain.pgd(
        POLICY, "value", OBSERVATION, start(), epsilon=EPSILON, step=EPSILON / 2, steps=7, values=VALUES, high=None
    )
    torch.testing.assert_close(ours.observation, theirs, rtol=0, atol=1e-6)
    torch.testing.assert_close(ours.loss, plain.loss("value", POLICY(theirs), POLICY(OBSERVATION), VALUES))


def test_what_is_climbed_has_the_gradient_that_differences_find() -> None:
    rows = {"value": torch.ones(N, dtype=torch.bool)}
    clean = POLICY(OBSERVATION)
    climbed = CATEGORICAL.judged_by(Known(VALUES)).climbed(clean, rows).value  # type: ignore[arg-type]
    point = start().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: climbed(POLICY(x)), point)


def test_where_all_actions_are_worth_the_same_nothing_is_raised() -> None:
    found = attacked(uniform_rows(attack("value"), N), values=torch.full((N, ACTIONS), 3.0).double())
    assert bool(found.zero_gradient.all())
    torch.testing.assert_close(found.loss, torch.full((N,), -3.0).double())


@pytest.mark.parametrize("values", [VALUES, None], ids=["with a critic", "without"])
def test_the_worst_of_a_set_is_the_lowest_value_where_values_are_known_else_the_highest_ce(
    values: Tensor | None,
) -> None:
    members = ("ce", "max", "min", "value") if values is not None else ("ce", "max", "min")
    kind = "ce" if values is None else "value"
    worst = attacked(uniform_rows(attack("worst", members=members), N), values)
    one_start = [attacked(uniform_rows(attack("worst", members=(member,)), N), values) for member in members[:1]]
    torch.testing.assert_close(worst.loss, plain.loss(kind, worst.outputs, POLICY(OBSERVATION), values))
    assert bool((worst.loss >= one_start[0].loss).all())


def test_without_a_ball_it_is_no_attack() -> None:
    for found, none in (
        (attacked(uniform_rows(attack("value", 0.0), N)), attacked(uniform_rows(attack("none"), N))),
        (moved("value", 0.0), moved("none")),
    ):
        assert torch.equal(found.observation, none.observation)
        assert torch.equal(found.outputs, none.outputs)


def test_a_row_is_attacked_the_same_beside_other_attacks() -> None:
    kinds = ["value", "ce", "worst", "none"]
    mixed = attacked(Rows.of([attack(kinds[row % 4]) for row in range(N)]))
    for at, kind in enumerate(kinds):
        alone = attacked(uniform_rows(attack(kind), N))
        assert torch.equal(mixed.observation[at::4], alone.observation[at::4])
        assert torch.equal(mixed.loss[at::4], alone.loss[at::4])


def test_numbers_are_moved_as_the_books_move_them() -> None:
    ours = moved("value")
    theirs = plain.value_pgd(
        lambda x: torch.tanh(x @ ACTOR.weights),
        lambda _, action: -((action - TARGET.values) ** 2).sum(1),
        OBSERVATION,
        start(),
        EPSILON,
        7,
    )
    torch.testing.assert_close(ours.observation, theirs, rtol=0, atol=1e-6)


def test_numbers_lose_value_on_nearly_every_row() -> None:
    found = moved("value")
    torch.testing.assert_close(found.loss, -TARGET.value_of(found.outputs.tanh()))
    torch.testing.assert_close(found.clean_loss, -TARGET.value_of(ACTOR(OBSERVATION).tanh()))
    assert float(found.rises.double().mean()) >= 0.95


def test_numbers_without_a_critic_have_no_value_to_lower() -> None:
    head = Continuous(ActionBounds(torch.tensor([-1.0]), torch.tensor([1.0])), torch.ones(N, dtype=torch.bool))
    with pytest.raises(ValueError, match="critic"):
        head.loss(torch.zeros(N, 2), torch.zeros(N, 2), {"value": torch.ones(N, dtype=torch.bool)})
