"""The critics that files of off-policy methods hold give the numbers of the libraries that trained them."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from safetensors.torch import save
from sb3_contrib import TQC
from stable_baselines3 import DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import Tensor, nn

from saddlepoint.attacks.continuous import ActionBounds
from saddlepoint.attacks.heads import Continuous
from saddlepoint.policies import ImportedPolicy, PolicyNetwork, load_network
from saddlepoint.policies.agreement import run_onnx
from saddlepoint.policies.onnx_writer import to_onnx
from saddlepoint.policies.pickles import read_torch_file
from saddlepoint.policies.reading import read_canonical
from tests.policies.networks import frames, imported, saved, seeded, vectors, zipped
from tests.policies.sb3_models import ACTION, CHOICE, PIXELS_LAST, VECTOR, make, members, zip_of
from tests.policies.test_cleanrl import BOUNDS, Actor
from tests.policies.test_gradients import double

ROWS = 16
MODELS: dict[str, tuple[Any, dict[str, Any]]] = {
    "sac": (SAC, {}),
    "sac of three critics": (SAC, {"n_critics": 3}),
    "sac uneven": (SAC, {"net_arch": {"pi": [16, 8], "qf": [32]}, "activation_fn": nn.Tanh}),
    "sac linear": (SAC, {"net_arch": {"pi": [], "qf": []}}),
    "sac gsde": (SAC, {"use_sde": True}),
    "tqc": (TQC, {}),
    "tqc of three": (TQC, {"n_critics": 3, "n_quantiles": 7}),
    "td3": (TD3, {}),
    "td3 uneven": (TD3, {"net_arch": {"pi": [16, 8], "qf": [32]}, "activation_fn": nn.ELU}),
    "ddpg": (DDPG, {}),
}
PICTURES: dict[str, tuple[Any, dict[str, Any]]] = {
    "sac": (SAC, {"net_arch": [16]}),
    "sac shared": (SAC, {"net_arch": [16], "share_features_extractor": True}),
    "tqc": (TQC, {"net_arch": [16]}),
    "td3": (TD3, {"net_arch": [16]}),
}


def taken(rows: int = ROWS, width: int = 2) -> Tensor:
    return torch.rand(rows, width, generator=torch.Generator().manual_seed(4)) * 2 - 1


def of_sb3(model: BaseAlgorithm, x: Tensor, action: Tensor) -> Tensor:
    """What SB3's own critic says of actions as it stores them."""
    policy: Any = model.policy
    with torch.no_grad():
        found = policy.critic(x, action)
    if isinstance(model, TQC):
        return found.mean(dim=(1, 2))  # type: ignore[no-any-return]
    return torch.cat(found, dim=1).amin(dim=1)


def value_of(network: PolicyNetwork, x: Tensor, action: Tensor) -> Tensor:
    critic = network.critic(network.to_attack_layout(x))
    assert critic is not None
    return critic.value_of(action)


def assert_judged(model: BaseAlgorithm, policy: ImportedPolicy, x: Tensor) -> None:
    expected = of_sb3(model, x, taken(len(x)))
    assert float(expected.std()) > 1e-3
    torch.testing.assert_close(value_of(load_network(policy.model), x, taken(len(x))), expected, atol=1e-5, rtol=1e-5)
    assert policy.card.has_critic
    assert (policy.card.outputs[-1].name, policy.card.outputs[-1].shape) == ("action_value", ())
    assert policy.card.guesses == []


@pytest.mark.parametrize("kind", MODELS)
def test_critics_of_sb3(kind: str) -> None:
    algorithm, settings = MODELS[kind]
    model = make(algorithm, "MlpPolicy", VECTOR, ACTION, **settings)
    assert_judged(model, imported(zip_of(model)), vectors(ROWS))


@pytest.mark.parametrize("kind", PICTURES)
def test_critics_over_pictures(kind: str) -> None:
    algorithm, settings = PICTURES[kind]
    model = make(algorithm, "CnnPolicy", PIXELS_LAST, ACTION, **settings)
    assert_judged(model, imported(zip_of(model)), frames(4))


@pytest.mark.parametrize("algorithm", [SAC, TD3])
def test_the_critic_sees_what_the_actor_sees(algorithm: Any) -> None:
    model = make(algorithm, "MlpPolicy", VECTOR, ACTION)
    policy = imported(zip_of(model), observation_mean=[1.0, 2.0, 3.0, 4.0], observation_std=[0.5], observation_clip=3.0)
    seen = ((vectors(ROWS) - torch.tensor([1.0, 2.0, 3.0, 4.0])) / 0.5).clamp(-3, 3)
    expected = of_sb3(model, seen, taken())
    torch.testing.assert_close(
        value_of(load_network(policy.model), vectors(ROWS), taken()), expected, atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("algorithm", [SAC, TD3])
def test_the_squashed_action_is_what_sb3_stores_of_the_one_that_is_executed(algorithm: Any) -> None:
    model = make(algorithm, "MlpPolicy", VECTOR, ACTION)
    head = load_network(imported(zip_of(model)).model)(vectors(ROWS)).head
    played, _ = model.predict(vectors(ROWS).numpy(), deterministic=True)
    stored: Any = model.policy.scale_action(played)
    np.testing.assert_allclose(head[:, :2].tanh().numpy(), stored, atol=1e-5)


def test_an_action_of_several_axes_is_judged_flat() -> None:
    model = make(SAC, "MlpPolicy", VECTOR, spaces.Box(-2.0, 1.0, (2, 2), np.float32))
    network = load_network(imported(zip_of(model)).model)
    expected = of_sb3(model, vectors(ROWS), taken(width=4))
    torch.testing.assert_close(value_of(network, vectors(ROWS), taken(width=4)), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("algorithm", [PPO, DQN])
def test_other_methods_have_no_critic_of_actions(algorithm: Any) -> None:
    model = make(algorithm, "MlpPolicy", VECTOR, CHOICE)
    policy = imported(zip_of(model))
    assert load_network(policy.model).critic(vectors(1)) is None
    assert policy.card.has_critic == (algorithm is DQN)


def test_the_canonical_model_judges_in_onnxruntime_and_acts_there_without_an_action() -> None:
    model = make(SAC, "MlpPolicy", VECTOR, ACTION)
    canonical = imported(zip_of(model)).model
    rows, action = vectors(ROWS), taken()
    again = to_onnx(read_canonical(canonical))
    assert torch.equal(value_of(load_network(again), rows, action), value_of(load_network(canonical), rows, action))
    (judged,) = run_onnx(canonical, ["action_value"])({"observation": rows.numpy(), "taken_action": action.numpy()})
    np.testing.assert_allclose(judged, of_sb3(model, rows, action).numpy(), atol=1e-5, rtol=1e-5)
    (mean,) = run_onnx(canonical, ["mean"])({"observation": rows.numpy()})
    np.testing.assert_allclose(mean, load_network(canonical)(rows).head[:, :2].numpy(), atol=1e-5)


def test_a_canonical_model_that_is_uploaded_again_has_no_value_of_the_state() -> None:
    card = imported(imported(zip_of(make(SAC, "MlpPolicy", VECTOR, ACTION))).model, squash="tanh").card
    assert ([item.name for item in card.outputs], card.guesses) == (["mean", "log_std"], [])


def test_the_weights_that_were_read_are_counted() -> None:
    card = imported(zip_of(make(SAC, "MlpPolicy", VECTOR, ACTION))).card
    assert "policy.pth: 20 tensors: read; 12 of critics and target networks: ignored" in card.contents


def without(data: bytes, change: Callable[[dict[str, Tensor]], None]) -> bytes:
    """The zip with other weights."""
    entries = members(data)
    tensors = dict(read_torch_file(entries["policy.pth"]).tensors)
    change(tensors)
    return zipped({**entries, "policy.pth": saved(tensors)})


def test_a_zip_without_its_critic_is_a_policy_without_one() -> None:
    def strip(tensors: dict[str, Tensor]) -> None:
        for name in [name for name in tensors if name.startswith("critic")]:
            del tensors[name]

    policy = imported(without(zip_of(make(SAC, "MlpPolicy", VECTOR, ACTION)), strip))
    assert (policy.card.has_critic, policy.card.guesses) == (False, [])


def test_a_critic_of_other_layers_is_left_out_and_told() -> None:
    def widen(tensors: dict[str, Tensor]) -> None:
        tensors["critic.qf1.0.weight"] = torch.zeros(256, 9)

    data = zip_of(make(SAC, "MlpPolicy", VECTOR, ACTION))
    policy = imported(without(data, widen))
    assert not policy.card.has_critic
    assert [guess[:17] for guess in policy.card.guesses] == ["critic left out: "]
    assert torch.equal(
        load_network(policy.model)(vectors(ROWS)).head, load_network(imported(data).model)(vectors(ROWS)).head
    )


@pytest.mark.parametrize("kind", ["sac", "tqc", "td3"])
def test_the_gradient_of_eq_7_is_the_one_that_differences_find(kind: str) -> None:
    algorithm, settings = MODELS[kind]
    settings = {**settings, "activation_fn": nn.Tanh, "net_arch": [8]}
    network = double(imported(zip_of(make(algorithm, "MlpPolicy", VECTOR, ACTION, **settings))).model)
    bounds = ActionBounds(torch.tensor(ACTION.low), torch.tensor(ACTION.high))
    head = Continuous(bounds, torch.ones(ROWS, dtype=torch.bool), is_gaussian=kind != "td3", squash=True)
    critic = network.critic(vectors(ROWS).double())
    assert critic is not None
    clean = network(vectors(ROWS).double()).head
    raised = head.judged_by(critic).climbed(clean, {"value": torch.ones(ROWS, dtype=torch.bool)}).value
    point = (vectors(ROWS, seed=8).double() / 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: raised(network.forward_attack(x).head), point)


class QNetwork(nn.Module):
    """sac_continuous_action.py's SoftQNetwork, td3_ and ddpg_continuous_action.py's QNetwork."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(6, 32), nn.Linear(32, 32), nn.Linear(32, 1)

    def forward(self, x: Tensor, action: Tensor) -> Tensor:
        x = self.fc2(self.fc1(torch.cat([x, action], 1)).relu()).relu()
        return self.fc3(x)[:, 0]  # type: ignore[no-any-return]


def checkpoint(*dicts: dict[str, Tensor]) -> bytes:
    target = io.BytesIO()
    torch.save(dicts, target)
    return target.getvalue()


@pytest.mark.parametrize("soft", [True, False], ids=["sac", "td3"])
@pytest.mark.parametrize("count", [1, 2])
def test_critics_of_cleanrl_take_actions_in_the_units_of_the_environment(soft: bool, count: int) -> None:
    actor = seeded(lambda: Actor(soft=soft))
    critics = [seeded(QNetwork, seed) for seed in range(count)]
    policy = imported(checkpoint(actor.state_dict(), *(critic.state_dict() for critic in critics)))
    low, high = BOUNDS
    executed = low + (taken() + 1) / 2 * (high - low)
    with torch.no_grad():
        expected = torch.stack([critic(vectors(ROWS), executed) for critic in critics]).amin(0)
    found = value_of(load_network(policy.model), vectors(ROWS), taken())
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert policy.card.has_critic
    assert policy.card.contents == [f"{len(actor.state_dict()) + 6 * count} tensors: read"]


def test_of_cleanrl_an_actor_alone_or_in_unknown_units_has_no_critic() -> None:
    actor, critic = seeded(lambda: Actor(soft=True)).state_dict(), seeded(QNetwork).state_dict()
    bare = {name: tensor for name, tensor in actor.items() if not name.startswith("action_")}
    for data in (save(actor), checkpoint(bare, critic), checkpoint(actor, {"step": torch.ones(1)})):
        assert not imported(data).card.has_critic
    assert not imported(checkpoint(actor, critic), squash="none").card.has_critic


def test_a_critic_of_cleanrl_that_diverged_is_left_out_and_told() -> None:
    actor, critic = seeded(lambda: Actor(soft=False)).state_dict(), seeded(QNetwork).state_dict()
    critic["fc2.bias"][3] = torch.nan
    card = imported(checkpoint(actor, critic)).card
    assert not card.has_critic
    assert card.guesses[-1].startswith("critic left out: Every weight must be a finite float32")
    assert card.contents == ["8 tensors: read; 6 of critics: ignored"]
