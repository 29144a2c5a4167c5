"""The deviations by which a network divides its observations, as a unit of epsilon."""

import pytest
import torch
from torch import Tensor, nn

from saddlepoint.policies.builder import GraphBuilder, Known
from saddlepoint.policies.standardising import deviations_of
from saddlepoint.schemas.policies import PolicyCard
from tests.policies.networks import export_old, imported, seeded, vectors

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
MEAN, STD = torch.tensor([0.5, -1.0, 2.0, 0.0]), torch.tensor([0.5, 2.0, 1.5, 0.25])


class Standardised(nn.Module):
    """As research code on robots does it: mean, deviation and clip inside."""

    own_mean: Tensor
    own_std: Tensor

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.register_buffer("own_mean", MEAN)
        self.register_buffer("own_std", STD)
        self.body = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))

    def forward(self, observation: Tensor) -> Tensor:
        x = observation - self.own_mean
        x = {
            "divided": lambda: x / self.own_std,
            "multiplied": lambda: x * (1 / self.own_std),
            "root": lambda: x / torch.sqrt(self.own_std.square() + 1e-12),
            "one number": lambda: x / 3.0,
            "not at all": lambda: x,
            "scaled before": lambda: observation / 255.0 / self.own_std,
            "turned before": lambda: x * -4.0 / self.own_std,
            "twice read": lambda: x / self.own_std + observation,
        }[self.how]()
        result: Tensor = self.body(x.clamp(-10, 10))
        return result


def card_of(how: str, **hints: object) -> PolicyCard:
    return imported(export_old(seeded(lambda: Standardised(how)), vectors(1)), **hints).card


KNOWN = {
    "divided": 1.0,
    "multiplied": 1.0,
    "root": 1.0,
    "scaled before": 255.0,
    "turned before": 0.25,
    "one number": None,
    "not at all": None,
}
"""By how much the unit in observations is larger than the deviations."""


@pytest.mark.parametrize("how", KNOWN)
def test_a_network_that_divides_by_deviations_says_so(how: str) -> None:
    card = card_of(how)
    factor = KNOWN[how]
    if factor is None:
        assert card.observation_std is None
    else:
        assert card.observation_std == pytest.approx((factor * STD).tolist(), rel=1e-5)
    assert not any("divided" in guess for guess in card.guesses)


def test_what_reads_the_observation_elsewhere_too_has_no_such_unit() -> None:
    assert card_of("twice read").observation_std is None


@pytest.mark.parametrize("stated", [[2.0], [2.0, 1.0, 1.0, 1.0]])
def test_normalising_twice_is_told(stated: list[float]) -> None:
    card = card_of("divided", observation_std=stated)
    assert card.observation_std == (stated * 4 if len(stated) == 1 else stated)
    assert any("and then by deviations in the network itself" in guess for guess in card.guesses)
    once = card_of("not at all", observation_std=stated)
    assert not any("in the network itself" in guess for guess in once.guesses)


@pytest.mark.parametrize("factor", [0.0, 1e-39])
def test_what_no_epsilon_can_be_multiplied_by_is_no_unit(factor: float) -> None:
    build = GraphBuilder((2,))
    scaled = build.live("Mul", build.observation, Known.of(torch.tensor([factor, 1.0])))
    assert deviations_of(build.finish(logits=scaled)) is None
