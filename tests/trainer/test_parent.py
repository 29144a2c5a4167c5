"""Hardening starts from exactly the policy that was uploaded."""

from datetime import UTC, datetime

import pytest
import torch
from safetensors.torch import load, save

from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.policies import import_policy
from saddlepoint.schemas.policies import PolicyHints
from tests.trainer.worlds import world
from trainer.network import ActorCritic, initialize, make_network
from trainer.parent import take_over
from trainer.weights import to_published


def network(*shape: int, seed: int) -> ActorCritic:
    made = make_network(world(shape, 5))
    initialize(made, torch.Generator().manual_seed(seed), 1.0)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name.startswith("policy"):
                parameter.mul_(100.0)
    return made


def canonical(weights: bytes, **hints: str) -> bytes:
    given = PolicyHints.model_validate(hints)
    imported = import_policy(
        weights, filename_hint=None, hints=given, policy_id="p", created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    return imported.model


@pytest.mark.parametrize("shape", [(4, 84, 84), (6,)])
def test_policy_and_critic_are_taken_over(shape: tuple[int, ...]) -> None:
    parent, child = network(*shape, seed=0), network(*shape, seed=1)
    observation = torch.arange(2.0 * torch.Size(shape).numel()).reshape(2, *shape) % 7
    take_over(child, canonical(to_published(parent)))
    for expected, got in zip(parent(parent.encode(observation)), child(child.encode(observation)), strict=True):
        assert torch.allclose(expected, got, atol=2e-3 * float(expected.detach().abs().max()))


def test_without_a_critic_the_value_starts_anew() -> None:
    parent, child = network(6, seed=0), network(6, seed=1)
    fresh = child.state_dict()["value.output.weight"].clone()
    weights = {name: value for name, value in load(to_published(parent)).items() if name.startswith("policy")}
    take_over(child, canonical(save(weights)))
    assert torch.equal(child.state_dict()["value.output.weight"], fresh)
    assert torch.equal(child.state_dict()["policy.output.weight"], weights["policy.output.weight"])


def test_another_activation_is_another_network() -> None:
    model = canonical(to_published(network(6, seed=0)), activation="relu")
    with pytest.raises(UnsupportedArchitecture, match="64-64 tanh"):
        take_over(network(6, seed=1), model)


def test_another_width_is_another_network() -> None:
    tensors = load(to_published(network(6, seed=0)))
    narrow = {name: value[:, :32] if name.endswith("output.weight") else value for name, value in tensors.items()}
    narrow |= {name: value[:32] for name, value in tensors.items() if "hidden2" in name}
    weights = save({name: value.contiguous() for name, value in narrow.items()})
    with pytest.raises(UnsupportedArchitecture, match="64-64 tanh"):
        take_over(network(6, seed=1), canonical(weights))
