import math

import pytest
import torch
from torch import Tensor

from saddlepoint.attacks import objectives
from saddlepoint.attacks.heads import Categorical
from saddlepoint.attacks.objectives import OBJECTIVES, Contrast, contrast_of_rows, loss_of_rows, value
from saddlepoint.schemas.attacks import ATTACKS, Objective

KINDS: list[Objective] = list(OBJECTIVES)
ROWS = 200


def logits(scale: float, *, seed: int, actions: int = 6) -> Tensor:
    return torch.randn(ROWS, actions, generator=torch.Generator().manual_seed(seed)) * scale


def rows_under(kind: Objective, count: int) -> dict[Objective, Tensor]:
    return {kind: torch.ones(count, dtype=torch.bool)}


def gradient_of_value(perturbed: Tensor, clean: Tensor, kind: Objective) -> Tensor:
    leaf = perturbed.clone().requires_grad_()
    total = value(leaf, contrast_of_rows(clean, rows_under(kind, len(clean)))).sum()
    return torch.autograd.grad(total, leaf)[0]


def gradient_of_loss(perturbed: Tensor, clean: Tensor, kind: Objective) -> Tensor:
    leaf = perturbed.clone().requires_grad_()
    return torch.autograd.grad(OBJECTIVES[kind].loss(leaf, clean).sum(), leaf)[0]


@pytest.mark.parametrize("scale", [0.5, 5.0, 200.0])
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_that_is_written_out_is_that_of_the_value(kind: Objective, scale: float) -> None:
    clean, perturbed = logits(scale, seed=1).double(), logits(scale, seed=2).double()
    contrast = contrast_of_rows(clean, rows_under(kind, ROWS))
    expected = gradient_of_value(perturbed, clean, kind)
    torch.testing.assert_close(objectives.gradient(perturbed, contrast), expected, atol=1e-12, rtol=0)
    assert float(expected.abs().max()) > 0.1


def test_the_gradient_that_is_written_out_shares_the_top_of_a_margin_among_equals() -> None:
    clean = torch.tensor([[3.0, 1.0, 1.0, 0.0]])
    contrast = contrast_of_rows(clean, rows_under("margin", 1))
    assert objectives.gradient(clean, contrast).tolist() == [[-1.0, 0.5, 0.5, 0.0]]


@pytest.mark.parametrize("temperature", [1.0, 0.25])
@pytest.mark.parametrize("kind", KINDS)
def test_a_masked_action_has_no_gradient_and_the_others_have_that_of_differentiation(
    kind: Objective, temperature: float
) -> None:
    head = Categorical(temperature)
    clean, perturbed = logits(2.0, seed=1).double(), logits(2.0, seed=2).double()
    clean[:, 2] = perturbed[:, 2] = -torch.inf
    climbed = head.climbed(clean, rows_under(kind, ROWS))
    leaf = perturbed.clone().requires_grad_()
    (expected,) = torch.autograd.grad(climbed.value(leaf).sum(), leaf)
    found = climbed.gradient(perturbed)
    assert (found[:, 2] == 0).all()
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)


def test_every_attack_that_uses_gradients_has_an_objective() -> None:
    of_others = {"fgsm", "worst"}
    assert set(OBJECTIVES) == {kind for kind, attack in ATTACKS.items() if attack.uses_gradient} - of_others


def test_losses_of_two_actions_by_hand() -> None:
    clean = torch.tensor([[0.75, 0.25]]).log()
    perturbed = torch.tensor([[0.5, 0.5]]).log()
    assert OBJECTIVES["ce"].loss(perturbed, clean).item() == pytest.approx(-0.5 * math.log(0.75) - 0.5 * math.log(0.25))
    assert OBJECTIVES["max"].loss(perturbed, clean).item() == pytest.approx(-math.log(0.5))
    assert OBJECTIVES["min"].loss(perturbed, clean).item() == pytest.approx(math.log(0.5))


def test_eq_9_has_its_sign_the_cross_entropy_is_highest_on_the_least_likely_action() -> None:
    clean = torch.tensor([[0.7, 0.2, 0.1]]).log()
    certain = torch.eye(3).mul(1000.0)
    losses = OBJECTIVES["ce"].loss(certain, clean.expand(3, 3))
    torch.testing.assert_close(losses, -clean[0])
    assert torch.equal(losses.argsort(), torch.tensor([0, 1, 2]))


def _entropy_and_top(clean: Tensor) -> Tensor:
    """KL = log form - entropy + (log-sum-exp terms that depend on the clean logits alone)."""
    p = clean.softmax(1)
    return -(p * clean.log_softmax(1)).sum(1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_log_form_rises_where_the_loss_does(kind: Objective) -> None:
    clean, perturbed = logits(2.0, seed=0).double(), logits(2.0, seed=1).double()
    log_form = value(perturbed, contrast_of_rows(clean, rows_under(kind, ROWS)))
    of_loss = {
        "ce": -clean.log_softmax(1).amax(1) + log_form.exp(),
        "max": torch.nn.functional.softplus(log_form),
        "min": -torch.nn.functional.softplus(-log_form),
        "value": -clean.amax(1) + log_form.exp(),
        "kl": log_form - _entropy_and_top(clean),
        "margin": log_form,
    }
    torch.testing.assert_close(of_loss[kind], OBJECTIVES[kind].loss(perturbed, clean))


@pytest.mark.parametrize("kind", KINDS)
def test_on_moderate_logits_the_gradient_is_a_positive_multiple_of_the_loss_gradient(kind: Objective) -> None:
    clean, perturbed = logits(2.0, seed=0).double(), logits(2.0, seed=1).double()
    ours = torch.nn.functional.normalize(gradient_of_value(perturbed, clean, kind))
    plain = torch.nn.functional.normalize(gradient_of_loss(perturbed, clean, kind))
    torch.testing.assert_close(ours, plain)


def direction_at_clean(clean: Tensor, kind: Objective) -> Tensor:
    """The gradient of the loss at the clean logits up to a positive factor, float64, without cancellation by hand."""
    odds = (clean - clean.amax(1, keepdim=True)).double().exp()
    top = torch.nn.functional.one_hot(clean.argmax(1), clean.shape[1])
    if kind == "max":
        others = odds * (1 - top)
        return others - top * others.sum(1, keepdim=True)
    excess = odds * (clean.amax(1, keepdim=True) - clean).double()
    return excess - excess.sum(1, keepdim=True) * odds / odds.sum(1, keepdim=True)


@pytest.mark.parametrize("margin", [30.0, 98.0, 295.0])
@pytest.mark.parametrize("kind", ["ce", "max"])
def test_on_saturated_logits_the_log_form_keeps_the_sign(kind: Objective, margin: float) -> None:
    """Through a random linear layer, as an attack sees it."""
    clean = logits(1.0, seed=0)
    spread = 0.5 + torch.rand(ROWS, generator=torch.Generator().manual_seed(3))
    clean[:, 0] = clean[:, 1:].amax(1) + margin * spread
    layer = torch.randn(6, 50, generator=torch.Generator().manual_seed(2))
    truth = direction_at_clean(clean, kind) @ layer.double()
    ours = gradient_of_value(clean, clean, kind) @ layer
    assert (ours == 0).all(dim=1).sum() == 0
    assert (ours.sign() == truth.sign()).double().mean() > 0.997


def test_the_plain_cross_entropy_would_vanish_there() -> None:
    clean = torch.zeros(1, 4)
    clean[:, 0] = 295.0
    assert torch.equal(gradient_of_loss(clean, clean, "ce"), torch.zeros(1, 4))


@pytest.mark.parametrize("clean", [torch.zeros(2, 5), torch.full((2, 1), 3.0)], ids=["uniform", "one action"])
def test_a_row_with_nothing_to_raise_has_a_zero_gradient(clean: Tensor) -> None:
    perturbed = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(gradient_of_value(perturbed, clean, "ce"), torch.zeros_like(clean))


def test_two_equally_likely_actions_leave_the_others_to_be_raised() -> None:
    gradient = gradient_of_value(torch.zeros(1, 3), torch.tensor([[1.0, 1.0, 0.0]]), "ce")
    assert torch.equal(gradient.sign(), torch.tensor([[-1.0, -1.0, 1.0]]))


def test_rows_under_different_attacks_keep_their_own_contrast() -> None:
    clean = logits(2.0, seed=0)
    kinds = KINDS
    row_kinds = [kinds[row % len(kinds)] for row in range(ROWS)]
    masks = {kind: torch.tensor([own == kind for own in row_kinds]) for kind in kinds}
    mixed = contrast_of_rows(clean, masks)
    for kind in KINDS:
        alone: Contrast = contrast_of_rows(clean, rows_under(kind, ROWS))
        assert torch.equal(mixed.raised[masks[kind]], alone.raised[masks[kind]])
        assert torch.equal(mixed.lowered[masks[kind]], alone.lowered[masks[kind]])
        assert mixed.slope is not None
        assert mixed.hard is not None
        own_slope = torch.zeros_like(clean) if alone.slope is None else alone.slope
        assert torch.equal(mixed.slope[masks[kind]], own_slope[masks[kind]])
        assert mixed.hard[masks[kind]].tolist() == [kind == "margin"] * int(masks[kind].sum())


def test_each_row_reports_its_own_loss() -> None:
    clean, perturbed = logits(2.0, seed=0), logits(2.0, seed=1)
    first = torch.arange(ROWS) < ROWS // 2
    loss = loss_of_rows(perturbed, clean, {"kl": first, "margin": ~first})
    assert torch.equal(loss[first], objectives.kl_loss(perturbed, clean)[first])
    assert torch.equal(loss[~first], objectives.margin_loss(perturbed, clean)[~first])


def test_theorem_1_where_the_logits_are_values_over_a_temperature_ce_and_value_are_one() -> None:
    values, temperature = logits(2.0, seed=0).double(), 0.7
    perturbed = logits(2.0, seed=1).double()
    ce, eq_7 = (OBJECTIVES[kind].loss(perturbed, values / temperature) for kind in ("ce", "value"))
    log_partition = (values / temperature).logsumexp(1)
    torch.testing.assert_close(ce, eq_7 + log_partition)


def test_kl_and_margin_of_two_actions_by_hand() -> None:
    clean, perturbed = torch.tensor([[0.75, 0.25]]).log(), torch.tensor([[0.5, 0.5]]).log()
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert OBJECTIVES["kl"].loss(perturbed, clean).item() == pytest.approx(expected)
    assert OBJECTIVES["margin"].loss(torch.tensor([[1.0, 3.0]]), clean).item() == pytest.approx(2.0)
