import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from saddlepoint.evaluation.divergences import divergences_of
from saddlepoint.schemas.plans import PolicyHead


def test_kl_and_total_variation_by_hand() -> None:
    """(1/2, 1/2) and (1/4, 3/4)."""
    logits = torch.tensor([[0.5, 0.5], [0.25, 0.75]]).log()
    kl, tv = divergences_of(PolicyHead())(logits)
    assert kl.diagonal().tolist() == [0, 0]
    assert kl[0, 1].item() == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3), rel=1e-5)
    assert kl[1, 0].item() == pytest.approx(0.25 * math.log(1 / 2) + 0.75 * math.log(3 / 2), rel=1e-5)
    assert tv is not None
    assert tv[0, 1].item() == pytest.approx(0.25)


def test_a_temperature_makes_values_a_policy() -> None:
    values = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    at_2, _ = divergences_of(PolicyHead(kind="q_values", temperature=2.0))(values)
    at_1, _ = divergences_of(PolicyHead())(values / 2)
    assert torch.allclose(at_2, at_1)


def test_an_action_that_is_ruled_out_by_both_does_no_harm() -> None:
    kl, _ = divergences_of(PolicyHead())(torch.tensor([[0.0, 1.0, -torch.inf], [1.0, 0.0, -torch.inf]]))
    assert torch.isfinite(kl).all()


def test_gaussians_agree_with_torch() -> None:
    torch.manual_seed(0)
    outputs = torch.randn(4, 6)
    kl, tv = divergences_of(PolicyHead(kind="gaussian"))(outputs)
    mean, deviation = outputs[:, :3].double(), outputs[:, 3:].double().exp()
    for i in range(4):
        for j in range(4):
            expected = kl_divergence(Normal(mean[i], deviation[i]), Normal(mean[j], deviation[j])).sum()
            assert kl[i, j].item() == pytest.approx(expected.item(), abs=1e-9)
    assert tv is None
