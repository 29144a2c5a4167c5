"""Hardening starts from exactly the policy that was uploaded."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from safetensors.torch import load, save
from stable_baselines3 import SAC

from saddlepoint.errors import ActionMismatch, ObservationMismatch
from saddlepoint.policies import ImportedPolicy, load_network
from tests.policies.networks import imported
from tests.policies.onnx_models import matrix, model, node
from tests.policies.sb3_models import make, zip_of
from tests.trainer.worlds import world
from trainer.graph_network import GraphNetwork
from trainer.network import ActorCritic, MlpNetwork, NatureNetwork, initialize, make_network
from trainer.parent import inherit
from trainer.weights import to_published


def network(*shape: int, seed: int) -> ActorCritic:
    made = make_network(world(shape, 5))
    initialize(made, torch.Generator().manual_seed(seed), 1.0)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name.startswith("policy"):
                parameter.mul_(100.0)
    return made


def child_of(parent: ImportedPolicy, actions: int = 5) -> ActorCritic:
    description = world(parent.card.observation.shape, actions)
    return inherit(parent, description, torch.Generator().manual_seed(1), 1.0)


@pytest.mark.parametrize(("shape", "kind"), [((4, 84, 84), NatureNetwork), ((6,), MlpNetwork)])
def test_policy_and_critic_of_our_own_networks_are_taken_over(shape: tuple[int, ...], kind: type[ActorCritic]) -> None:
    parent = network(*shape, seed=0)
    observation = torch.arange(2.0 * torch.Size(shape).numel()).reshape(2, *shape) % 7
    child = child_of(imported(to_published(parent)))
    assert isinstance(child, kind)
    for expected, got in zip(parent(parent.encode(observation)), child(child.encode(observation)), strict=True):
        assert torch.allclose(expected, got, atol=2e-3 * float(expected.detach().abs().max()))


def test_without_a_critic_the_value_starts_anew() -> None:
    parent = network(6, seed=0)
    weights = {name: value for name, value in load(to_published(parent)).items() if name.startswith("policy")}
    child = child_of(imported(save(weights)))
    fresh = make_network(world((6,), 5))
    initialize(fresh, torch.Generator().manual_seed(1), 1.0)
    assert isinstance(child, MlpNetwork)
    assert torch.equal(child.state_dict()["value.output.weight"], fresh.state_dict()["value.output.weight"])
    assert torch.equal(child.state_dict()["policy.output.weight"], weights["policy.output.weight"])


def test_another_activation_is_trained_as_the_graph_that_it_is() -> None:
    assert isinstance(child_of(imported(to_published(network(6, seed=0)), activation="relu")), GraphNetwork)


def test_another_critic_is_kept_by_training_the_graph() -> None:
    tensors = load(to_published(network(6, seed=0)))
    narrow = {name: value[:, :32] if name == "value.output.weight" else value for name, value in tensors.items()}
    narrow |= {name: value[:32] for name, value in tensors.items() if name.startswith("value.hidden2")}
    parent = imported(save({name: value.contiguous() for name, value in narrow.items()}))
    child = child_of(parent)
    assert isinstance(child, GraphNetwork)
    assert any(torch.equal(value, narrow["value.output.weight"]) for value in child.parameters())


def test_a_policy_of_another_environment_is_refused() -> None:
    parent = imported(to_published(network(6, seed=0)))
    with pytest.raises(ActionMismatch, match="has 4 actions, the policy 5"):
        child_of(parent, actions=4)
    with pytest.raises(ObservationMismatch, match=r"of shape \[7\], the policy takes \[6\]"):
        inherit(parent, world((7,), 5), torch.Generator(), 1.0)


def test_values_of_actions_beside_the_head_are_left_behind() -> None:
    weights = {"w": matrix(6, 5), "v": matrix(6, 5, seed=1)}
    nodes = [node("MatMul", ["observation", "w"], ["logits"]), node("MatMul", ["observation", "v"], ["q_values"])]
    parent = imported(model(nodes, weights, shape=("N", 6), outputs=("logits", "q_values")).SerializeToString())
    assert parent.card.has_critic
    child = child_of(parent)
    assert isinstance(child, GraphNetwork)
    assert not any(
        value.shape == (5, 6) and torch.equal(value, torch.from_numpy(weights["v"]).T)
        for value in child.state_dict().values()
    )
    rows = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(child(rows)[0], rows @ torch.from_numpy(weights["w"]))


def test_the_critic_of_an_off_policy_method_is_left_behind() -> None:
    box = spaces.Box(-1.0, 1.0, (2,), np.float32)
    parent = imported(zip_of(make(SAC, "MlpPolicy", spaces.Box(-5.0, 5.0, (6,), np.float32), box, net_arch=[8])))
    assert parent.card.has_critic
    child = inherit(parent, world((6,), 2, continuous=True), torch.Generator().manual_seed(1), 1.0)
    rows = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(child(rows)[0], load_network(parent.model)(rows).head)
