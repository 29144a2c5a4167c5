"""Bounds hold for every point of the ball, and are as tight as a hand can compute them."""

from math import tanh

import pytest
import torch
from torch import Tensor, nn

from saddlepoint.errors import UnsupportedArchitecture
from trainer.interval_bounds import Interval, check_boundable, log_probability_bounds, margin_bounds
from trainer.network import ActorCritic, MlpNetwork, NatureNetwork, initialize

ROUNDING = 1e-4
"""Of the largest margin: sums in another order, but no room for another formula."""


def layer(weight: list[list[float]], bias: list[float]) -> nn.Linear:
    made = nn.Linear(len(weight[0]), len(weight))
    made.weight.data, made.bias.data = torch.tensor(weight), torch.tensor(bias)
    return made


def dense(network: ActorCritic, path: str) -> nn.Linear:
    found = network.get_submodule(path)
    assert isinstance(found, nn.Linear)
    return found


def test_two_layers_computed_by_hand() -> None:
    box = Interval.between(torch.tensor([[0.5, -1.5]]), torch.tensor([[1.5, -0.5]]))
    hidden = box.linear(layer([[1.0, 2.0], [-1.0, 1.0]], [0.0, 0.5]))
    assert (hidden.lower.tolist(), hidden.upper.tolist()) == ([[-2.5, -2.5]], [[0.5, -0.5]])
    active = hidden.rising(torch.relu)
    assert (active.lower.tolist(), active.upper.tolist()) == ([[0.0, 0.0]], [[0.5, 0.0]])
    outputs = active.linear(layer([[2.0, 1.0], [-4.0, 3.0]], [1.0, 0.0]))
    assert (outputs.lower.tolist(), outputs.upper.tolist()) == ([[1.0, -2.0]], [[2.0, 0.0]])


def test_a_convolution_computed_by_hand() -> None:
    convolution = nn.Conv2d(1, 1, 2, stride=2)
    convolution.weight.data, convolution.bias.data = torch.tensor([[[[1.0, -2.0], [3.0, 0.0]]]]), torch.tensor([0.5])  # type: ignore[union-attr]
    pixels = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    bounded = Interval(pixels, torch.full_like(pixels, 0.1)).convolved(convolution)
    assert bounded.middle.item() == pytest.approx(1 - 4 + 9 + 0.5)
    assert bounded.radius.item() == pytest.approx(0.1 * (1 + 2 + 3))


def test_differences_of_logits_are_bounded_as_one_layer() -> None:
    network = MlpNetwork(1, 2, width=1)
    with torch.no_grad():
        for name, value in {"hidden1": (2.0, 0.25), "hidden2": (-1.5, 0.5)}.items():
            part = dense(network, f"policy.{name}")
            part.weight.fill_(value[0])
            part.bias.fill_(value[1])
        network.policy.output.weight.copy_(torch.tensor([[3.0], [5.0]]))
        network.policy.output.bias.copy_(torch.tensor([1.0, 0.0]))
    feature = [tanh(0.5 - 1.5 * tanh(0.25 + 2.0 * x)) for x in (0.0, 0.5)]  # falls with x
    box = Interval.between(torch.tensor([[0.0]]), torch.tensor([[0.5]]))
    bounds = margin_bounds(network, box, torch.tensor([0]))
    # Bounds of each logit by itself would give 5 f - 3 f' - 1 for different f and f'.
    assert bounds.lower[0].tolist() == pytest.approx([0.0, 2 * feature[1] - 1.0], abs=1e-6)
    assert bounds.upper[0].tolist() == pytest.approx([0.0, 2 * feature[0] - 1.0], abs=1e-6)


def made(kind: str, center: int = 0) -> tuple[ActorCritic, Tensor]:
    """A network whose logits differ, and eight encoded observations."""
    generator = torch.Generator().manual_seed(0)
    network: ActorCritic
    if kind == "frames":
        network = NatureNetwork(4, (84, 84), 5)
        network.conv1.center.fill_(center)
        seen = torch.randint(0, 256, (8, 4, 84, 84), dtype=torch.uint8, generator=generator)
    else:
        network = MlpNetwork(6, 5)
        seen = torch.rand(8, 6, generator=generator) * 2 - 1
    initialize(network, generator, 1.0)
    with torch.no_grad():
        dense(network, network.policy_path[-1]).weight.mul_(100.0)
    return network, network.encode(seen).float()


def margins(network: ActorCritic, observation: Tensor, actions: Tensor) -> Tensor:
    logits: Tensor = network(observation)[0]
    return logits - logits.gather(1, actions[:, None])


ACTIONS = torch.arange(8) % 5
CASES = [("frames", 0, 0.5), ("frames", 110, 4.0), ("vector", 0, 0.02), ("vector", 0, 0.5)]


@pytest.mark.parametrize(("kind", "center", "epsilon"), CASES)
@torch.no_grad()
def test_no_point_of_the_ball_escapes(kind: str, center: int, epsilon: float) -> None:
    network, clean = made(kind, center)
    box = Interval(clean, torch.full_like(clean, epsilon))
    bounds = margin_bounds(network, box, ACTIONS)
    lowest, highest = log_probability_bounds(network, box, ACTIONS)
    room = ROUNDING * float(bounds.upper.abs().max())
    generator = torch.Generator().manual_seed(1)
    for number in range(60):
        span = torch.rand(clean.shape, generator=generator) * 2 - 1
        point = clean + epsilon * (span.sign() if number % 2 else span)
        seen = margins(network, point, ACTIONS)
        assert bool((seen >= bounds.lower - room).all())
        assert bool((seen <= bounds.upper + room).all())
        own = network(point)[0].log_softmax(1).gather(1, ACTIONS[:, None]).squeeze(1)
        assert bool(((own >= lowest - room) & (own <= highest + room)).all())


@pytest.mark.parametrize(("kind", "center"), [("frames", 0), ("frames", 110), ("vector", 0)])
@torch.no_grad()
def test_a_ball_without_radius_gives_the_margins_themselves(kind: str, center: int) -> None:
    network, clean = made(kind, center)
    bounds = margin_bounds(network, Interval.between(clean, clean), ACTIONS)
    expected = margins(network, clean, ACTIONS)
    assert bool((bounds.radius == 0).all())
    assert torch.allclose(bounds.middle, expected, atol=ROUNDING * float(expected.abs().max()))


@pytest.mark.parametrize(("kind", "center"), [("frames", 0), ("frames", 110), ("vector", 0)])
@torch.no_grad()
def test_a_network_that_rises_everywhere_is_bounded_by_its_ends(kind: str, center: int) -> None:
    network, clean = made(kind, center)
    for parameter in network.parameters():
        parameter.abs_()
    last = dense(network, network.policy_path[-1])
    last.weight.copy_(last.weight.cumsum(0))
    actions, epsilon = torch.zeros(8, dtype=torch.int64), 2.0 if kind == "frames" else 0.1
    bounds = margin_bounds(network, Interval(clean, torch.full_like(clean, epsilon)), actions)
    ends = [margins(network, clean + sign * epsilon, actions) for sign in (-1.0, 1.0)]
    room = ROUNDING * float(ends[1].max())
    assert torch.allclose(bounds.lower, ends[0], atol=room)
    assert torch.allclose(bounds.upper, ends[1], atol=room)


def test_bounds_are_fp32_under_bf16() -> None:
    network, clean = made("frames")
    expected = margin_bounds(network, Interval(clean, torch.ones_like(clean)), ACTIONS)
    network.precision = "bf16"
    got = margin_bounds(network, Interval(clean, torch.ones_like(clean)), ACTIONS)
    assert torch.equal(got.upper, expected.upper)


def test_weights_learn_from_the_bounds() -> None:
    network, clean = made("vector")
    lowest, _ = log_probability_bounds(network, Interval(clean, torch.full_like(clean, 0.1)), ACTIONS)
    lowest.sum().backward()  # type: ignore[no-untyped-call]
    learning = [name for name, parameter in network.named_parameters() if parameter.grad is not None]
    assert [name.split(".")[0] for name in learning] == ["policy"] * 6


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(UnsupportedArchitecture, match=r"another network \(ActorCritic\). Choose another method"):
        check_boundable(ActorCritic())
