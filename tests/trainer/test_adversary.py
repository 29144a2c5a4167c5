"""The attacker of a training: its radius in the course of it, its ball, and whom it attacks."""

from dataclasses import replace

import pytest
import torch

from saddlepoint.schemas.environments import BoxSpace
from saddlepoint.schemas.training_config import TrainingConfig
from tests.trainer.worlds import world
from trainer.adversary import Acting, Adversary
from trainer.distributions import Categorical
from trainer.network import ActorCritic, initialize, make_network

SHAPES = {"frames": (4, 84, 84), "vector": (3,)}
SPACES = {
    "frames": BoxSpace(shape=(4, 84, 84), dtype="uint8", low=0.0, high=255.0),
    "vector": BoxSpace(shape=(3,), dtype="float32", low=(-1.0, -1.0, None), high=(1.0, 1.0, None)),
}


def made(kind: str, **config: object) -> tuple[ActorCritic, Adversary]:
    network = make_network(world(SHAPES[kind], 3))
    initialize(network, torch.Generator().manual_seed(0), 1.0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3.0)
    given = TrainingConfig.model_validate({"epsilon": 4.0} | config)
    return network, Adversary.of(given, SPACES[kind], network, Categorical())


def observations(kind: str, network: ActorCritic, rows: int = 8) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    if kind == "frames":
        seen = torch.randint(0, 256, (rows, *SHAPES[kind]), generator=generator).to(torch.uint8)
    else:
        seen = torch.rand((rows, *SHAPES[kind]), generator=generator) * 2 - 1
    return network.encode(seen)


@pytest.mark.parametrize(("progress", "expected"), [(0.0, 0.0), (0.25, 2.0), (0.5, 4.0), (0.75, 4.0)])
def test_epsilon_grows_over_the_ramp(progress: float, expected: float) -> None:
    _, adversary = made("vector", epsilon_ramp=0.5)
    assert adversary.epsilon_at(progress) == expected


def test_without_a_ramp_epsilon_is_whole_from_the_start() -> None:
    _, adversary = made("vector")
    assert adversary.epsilon_at(0.0) == 4.0


@pytest.mark.parametrize(("kind", "epsilon"), [("frames", 4.0), ("vector", 0.25)])
def test_the_attack_raises_the_cross_entropy_within_ball_and_bounds(kind: str, epsilon: float) -> None:
    network, adversary = made(kind, epsilon=epsilon)
    clean = observations(kind, network)
    acting = Acting(network, torch.Generator().manual_seed(2), 0.0, adversary)
    with torch.no_grad():
        perturbed = acting.attacked(clean)
        before, after = network(clean)[0], network(perturbed)[0]
    assert float((perturbed - clean.float()).abs().max()) <= epsilon
    low, high = (0.0, 255.0) if kind == "frames" else (-1.0, 1.0)
    bounded = perturbed if kind == "frames" else perturbed[:, :2]
    assert low <= float(bounded.min())
    assert float(bounded.max()) <= high
    log_clean = before.log_softmax(-1)
    loss_before = -(before.softmax(-1) * log_clean).sum(-1)
    loss_after = -(after.softmax(-1) * log_clean).sum(-1)
    assert bool((loss_after > loss_before).all())


def test_a_scale_gives_each_dimension_its_own_radius() -> None:
    network, adversary = made("vector", epsilon=1.0, epsilon_scale=(0.1, 0.0, 0.5))
    clean = torch.zeros(64, 3)
    moved = Acting(network, torch.Generator().manual_seed(2), 0.0, adversary).attacked(clean).abs().amax(0)
    assert moved.tolist() == pytest.approx([0.1, 0.0, 0.5], abs=0.02)
    assert bool((moved <= torch.tensor([0.1, 0.0, 0.5])).all())


def test_the_collecting_policy_is_attacked_even_when_the_network_has_moved_on() -> None:
    network, adversary = made("vector", epsilon=0.25)
    clean = observations("vector", network)

    def attacked(acting: Acting) -> torch.Tensor:
        acting.generator.manual_seed(3)
        return acting.attacked(clean)

    acting = Acting(network, torch.Generator(), 0.0, adversary)
    first = attacked(acting)
    initialize(network, torch.Generator().manual_seed(4), 1.0)
    assert torch.equal(attacked(acting), first)
    assert not torch.equal(attacked(Acting(network, torch.Generator(), 0.0, adversary)), first)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_frozen_policy_gives_the_logits_of_the_network(precision: str) -> None:
    network, _ = made("frames")
    network.precision = precision  # type: ignore[assignment]
    encoded = observations("frames", network)
    network.center_on(torch.full((1, 4, 84, 84), 144, dtype=torch.uint8), as_before=False)
    with torch.no_grad():
        expected, got = network(encoded)[0], network.frozen().forward_attack(encoded.float()).head
    tolerance = 1e-4 if precision == "fp32" else 3e-2
    assert torch.allclose(got, expected, rtol=0, atol=tolerance * float(expected.abs().max()))


def test_where_a_row_begins_depends_on_its_number_alone() -> None:
    """So a lane meets the same noise in whatever process it is, and all processes go on from the same state."""
    network, climbing = made("vector", epsilon=0.25)
    adversary = replace(climbing, steps=0)
    clean = observations("vector", network)

    def begun(numbers: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        generator, rows = torch.Generator().manual_seed(3), torch.tensor(numbers, dtype=torch.int64)
        x = adversary.perturb(network.frozen(), clean[rows], 1.0, generator, numbers=rows)
        return x, generator.get_state()

    whole, state = begun(list(range(8)))
    for numbers in ([3, 4, 5], [6, 1], []):
        part, part_state = begun(numbers)
        assert torch.equal(part, whole[numbers])
        assert torch.equal(part_state, state)
    assert len({tuple(row) for row in (whole - clean).tolist()}) == 8
