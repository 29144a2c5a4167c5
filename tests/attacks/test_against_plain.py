"""The engine against a second implementation that shares no code with it."""

from typing import Any

import pytest
import torch
from torch import Tensor

from saddlepoint.attacks.ball import Bounds
from saddlepoint.attacks.heads import CATEGORICAL
from saddlepoint.attacks.pgd import perturb
from saddlepoint.attacks.rows import uniform_rows
from saddlepoint.policies.network import load_network
from saddlepoint.schemas.attacks import Always, AttackSpec, ResolvedAttack, resolve
from tests.attacks import plain
from tests.attacks.toys import BentPolicy, draw
from tests.evaluation.networks import atari_policy

KINDS = ["ce", "max", "min", "kl", "value", "margin"]
PIXELS = Bounds(torch.tensor(0.0), torch.tensor(255.0))
N = 8


def resolved(kind: str, epsilon: float, **options: Any) -> ResolvedAttack:
    spec = AttackSpec.model_validate({"kind": kind, **options})
    return resolve(spec, epsilon, steps=7, step_size=None, when=Always())


def pictures() -> Tensor:
    return torch.randint(0, 256, (N, 4, 84, 84), generator=torch.Generator().manual_seed(0)).float()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_at_one_point_agree(kind: str) -> None:
    network = load_network(atari_policy())
    s = pictures()
    x = (s + (draw(*s.shape) * 2 - 1) * 4).clamp(0, 255)
    with torch.no_grad():
        clean = network(s).logits
    expected = plain.gradient(lambda rows: network(rows).logits, kind, x, clean)
    leaf = x.clone().requires_grad_()
    masks: Any = {kind: torch.ones(N, dtype=torch.bool)}
    climbed = CATEGORICAL.climbed(clean, masks).value(network(leaf).logits)
    (ours,) = torch.autograd.grad(climbed.sum(), leaf)
    unit, own = (torch.nn.functional.normalize(g.flatten(1)) for g in (expected, ours))
    torch.testing.assert_close(own, unit, rtol=1e-4, atol=1e-4 * float(unit.abs().max()))
    large = unit.abs() > 1e-6 * unit.abs().amax(1, keepdim=True)
    assert (own.sign() == unit.sign())[large].double().mean() > 0.9999


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", KINDS)
def test_seven_steps_reach_the_same_loss(kind: str, precision: Any) -> None:
    network = load_network(atari_policy())
    attacked = network if precision == "fp32" else load_network(atari_policy(), precision=precision)
    s, noise = pictures(), draw(N, 4, 84, 84)
    ours = perturb(network, s, uniform_rows(resolved(kind, 4.0), N), noise, PIXELS, attack_network=attacked)
    start = (s + (noise * 2 - 1) * 4).clamp(0, 255)
    theirs = plain.pgd(lambda rows: network(rows).logits, kind, s, start, epsilon=4.0, step=2.0, steps=7)
    with torch.no_grad():
        expected = plain.loss(kind, network(theirs).logits, network(s).logits)
    rise = float((expected - ours.clean_loss).mean())
    of_mean, of_rows = (1e-3, 1e-2) if precision == "fp32" else (2e-2, 5e-2)
    if kind == "kl":  # flat around the clean observation: the first steps are as rounding has it
        of_rows *= 4
    assert float((ours.loss - expected).mean()) == pytest.approx(0, abs=of_mean * rise)
    torch.testing.assert_close(ours.loss, expected, rtol=0, atol=of_rows * rise)


class Exact(BentPolicy):
    """In float64, where rounding decides no sign."""

    def _logits(self, observation: Tensor) -> Tensor:
        return super()._logits(observation.double())


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("kind", KINDS)
def test_on_a_small_network_the_perturbations_themselves_are_equal(kind: str, norm: str) -> None:
    policy = Exact(torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).double())
    s, noise = draw(N, 6, seed=5).double() + 0.6, draw(N, 6).double()
    attack = resolved(kind, 0.5, norm=norm, steps=1 if norm == "l2" else 7)
    ours = perturb(policy, s, uniform_rows(attack, N), noise, PIXELS)
    start = s + (noise * 2 - 1) * 0.5
    if norm == "l2":  # whose start is drawn in another way: of the engine's own
        start = perturb(policy, s, uniform_rows(resolved("random", 0.5, norm="l2"), N), noise, PIXELS).observation
    theirs = plain.pgd(policy, kind, s, start, epsilon=0.5, step=0.25, steps=attack.steps, norm=norm)
    torch.testing.assert_close(ours.observation, theirs, rtol=0, atol=1e-6)
