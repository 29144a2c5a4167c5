"""Q-networks, Gaussians and deterministic actors of the real stable-baselines3 and sb3-contrib give its own numbers."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from safetensors.torch import save
from sb3_contrib import ARS, QRDQN, TQC, TRPO, CrossQ
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import Tensor, nn

from saddlepoint.errors import PolicyRejected
from saddlepoint.policies import ImportedPolicy, load_network
from tests.policies.networks import frames, imported, saved, vectors, zipped
from tests.policies.sb3_models import ACTION, CHOICE, PIXELS_LAST, VECTOR, edited, make, members, values, zip_of

MUJOCO = spaces.Box(-np.inf, np.inf, (4,), np.float64)
TABLE = spaces.Box(-5.0, 5.0, (2, 2), np.float32)
SQUARE = spaces.Box(-2.0, 1.0, (2, 2), np.float32)

Q_NETWORKS: dict[str, tuple[Any, dict[str, Any]]] = {
    "dqn": (DQN, {}),
    "dqn tanh": (DQN, {"activation_fn": nn.Tanh, "net_arch": [16, 16, 16]}),
    "dqn linear": (DQN, {"net_arch": []}),
    "qrdqn": (QRDQN, {}),
    "qrdqn of 25": (QRDQN, {"n_quantiles": 25}),
}
ON_POLICY: dict[str, tuple[Any, dict[str, Any]]] = {
    "ppo": (PPO, {}),
    "a2c": (A2C, {}),
    "trpo": (TRPO, {}),
    "uneven": (PPO, {"net_arch": {"pi": [16], "vf": [32, 32]}, "activation_fn": nn.ReLU}),
    "gsde": (PPO, {"use_sde": True}),
    "gsde squashed": (A2C, {"use_sde": True, "squash_output": True}),
    "gsde of one column": (PPO, {"use_sde": True, "full_std": False}),
    "gsde expln": (PPO, {"use_sde": True, "use_expln": True, "activation_fn": nn.ReLU}),
}
SOFT: dict[str, tuple[Any, dict[str, Any]]] = {
    "sac": (SAC, {}),
    "tqc": (TQC, {}),
    "sac uneven": (SAC, {"net_arch": {"pi": [16, 8], "qf": [32]}, "activation_fn": nn.Tanh}),
    "sac linear": (SAC, {"net_arch": {"pi": [], "qf": [8]}}),
    "sac gsde": (SAC, {"use_sde": True}),
    "sac gsde clipped": (SAC, {"use_sde": True, "clip_mean": 0.5}),
    "sac gsde unclipped": (TQC, {"use_sde": True, "clip_mean": 0.0}),
    "crossq": (CrossQ, {}),
    "crossq uneven": (CrossQ, {"net_arch": {"pi": [16], "qf": [8]}, "activation_fn": nn.Tanh, "batch_norm_eps": 0.1}),
    "crossq gsde": (CrossQ, {"use_sde": True, "net_arch": [16, 8, 4]}),
    "crossq without": (CrossQ, {"batch_norm": False}),
}
DETERMINISTIC: dict[str, tuple[Any, dict[str, Any]]] = {
    "td3": (TD3, {}),
    "ddpg": (DDPG, {}),
    "td3 uneven": (TD3, {"net_arch": {"pi": [16, 8], "qf": [32]}, "activation_fn": nn.ELU}),
    "td3 linear": (TD3, {"net_arch": {"pi": [], "qf": [8]}}),
}
RANDOM_SEARCH: dict[str, tuple[str, spaces.Space[Any], str, dict[str, Any]]] = {
    "perceptron": ("MlpPolicy", ACTION, "tanh", {}),
    "clipped": ("MlpPolicy", ACTION, "none", {"squash_output": False, "net_arch": [8], "activation_fn": nn.Tanh}),
    "linear": ("LinearPolicy", ACTION, "none", {}),
    "linear with a bias": ("LinearPolicy", ACTION, "tanh", {"squash_output": True, "with_bias": True}),
    "choices": ("MlpPolicy", CHOICE, "none", {"net_arch": [16]}),
    "linear choices": ("LinearPolicy", CHOICE, "none", {}),
}
PICTURES: dict[str, tuple[Any, spaces.Space[Any], dict[str, Any]]] = {
    "ppo": (PPO, ACTION, {}),
    "own extractors": (A2C, ACTION, {"share_features_extractor": False}),
    "gsde": (PPO, ACTION, {"use_sde": True}),
    "dqn": (DQN, CHOICE, {}),
    "qrdqn": (QRDQN, CHOICE, {}),
    "sac": (SAC, ACTION, {}),
    "sac shared": (SAC, ACTION, {"share_features_extractor": True}),
    "tqc": (TQC, ACTION, {}),
    "td3": (TD3, ACTION, {"net_arch": [16]}),
    "ddpg": (DDPG, ACTION, {"net_arch": [16]}),
}


def of_sb3(model: BaseAlgorithm, x: Tensor) -> Tensor:
    """The head that SB3 computes: Q-values, mean and log_std before a squash, or the action before its tanh."""
    policy: Any = model.policy.eval()
    with torch.no_grad():
        if isinstance(model, DQN):
            return policy.q_net(x)  # type: ignore[no-any-return]
        if isinstance(model, QRDQN):
            return policy.quantile_net(x).mean(1)  # type: ignore[no-any-return]
        if isinstance(model, TD3):
            return policy.actor.mu[:-1](policy.actor.extract_features(x, policy.actor.features_extractor))  # type: ignore[no-any-return]
        if isinstance(model, ARS):
            layers = policy.action_net
            return (layers[:-1] if isinstance(layers[-1], nn.Tanh) and policy.squash_output else layers)(x)  # type: ignore[no-any-return]
        if isinstance(model, SAC | TQC | CrossQ):
            mean, log_std, extra = policy.actor.get_action_dist_params(x)
            gaussian = policy.actor.action_dist.proba_distribution(mean, log_std, **extra).distribution
        else:
            gaussian = policy.get_distribution(x).distribution
        return torch.cat([gaussian.mean, gaussian.stddev.log()], 1)


def executed(policy: ImportedPolicy, head: Tensor, space: spaces.Space[Any]) -> NDArray[Any]:
    """What the environment gets when the policy is played without noise."""
    card = policy.card
    if isinstance(space, spaces.Discrete):
        return head.argmax(1).numpy()
    assert isinstance(space, spaces.Box)
    action = head[:, : card.actions].numpy().reshape(-1, *space.shape)
    if card.squash == "tanh":
        return np.asarray(space.low + (np.tanh(action) + 1) / 2 * (space.high - space.low))
    return np.asarray(action.clip(space.low, space.high))


def assert_same(model: BaseAlgorithm, policy: ImportedPolicy, x: Tensor) -> None:
    outputs = load_network(policy.model)(x)
    expected = of_sb3(model, x)
    assert float(expected.std(0).max()) > 1e-3
    rounding = 1e-6 * max(10.0, float(expected.abs().max()))
    torch.testing.assert_close(outputs.head, expected, atol=rounding, rtol=1e-5)
    played, _ = model.predict(x.numpy(), deterministic=True)
    space = model.action_space
    np.testing.assert_allclose(executed(policy, outputs.head, space), played, atol=rounding)
    if isinstance(model, PPO | A2C | TRPO):
        torch.testing.assert_close(outputs.value, values(model, x), atol=1e-5, rtol=1e-5)
    else:
        assert outputs.value is None


@pytest.mark.parametrize("kind", Q_NETWORKS)
def test_q_networks(kind: str) -> None:
    algorithm, settings = Q_NETWORKS[kind]
    model = make(algorithm, "MlpPolicy", VECTOR, **settings)
    policy = imported(zip_of(model))
    assert_same(model, policy, vectors(16))
    assert (policy.card.head, policy.card.actions, policy.card.guesses) == ("q_values", 6, [])


@pytest.mark.parametrize("kind", ON_POLICY)
def test_gaussian_actor_critics(kind: str) -> None:
    algorithm, settings = ON_POLICY[kind]
    model = make(algorithm, "MlpPolicy", VECTOR, ACTION, **settings)
    card = imported(zip_of(model)).card
    assert_same(model, imported(zip_of(model)), vectors(16))
    assert (card.head, card.actions, card.guesses) == ("gaussian", 2, [])
    assert card.squash == ("tanh" if "squashed" in kind else "none")
    assert card.fixed_deviation == ("gsde" not in kind)


@pytest.mark.parametrize("kind", SOFT)
def test_soft_actors(kind: str) -> None:
    algorithm, settings = SOFT[kind]
    model = make(algorithm, "MlpPolicy", VECTOR, ACTION, **settings)
    policy = imported(zip_of(model))
    assert_same(model, policy, vectors(16))
    card = policy.card
    assert (card.head, card.squash, card.fixed_deviation, card.guesses) == ("gaussian", "tanh", False, [])
    is_whole = kind == "crossq without"  # its critic is read, and there are no target networks
    assert any("critics and target networks: ignored" in line for line in card.contents) != is_whole


@pytest.mark.parametrize("kind", DETERMINISTIC)
def test_deterministic_actors(kind: str) -> None:
    algorithm, settings = DETERMINISTIC[kind]
    model = make(algorithm, "MlpPolicy", VECTOR, ACTION, **settings)
    policy = imported(zip_of(model))
    assert_same(model, policy, vectors(16))
    assert (policy.card.head, policy.card.squash, policy.card.actions) == ("action", "tanh", 2)


@pytest.mark.parametrize("kind", RANDOM_SEARCH)
def test_random_search(kind: str) -> None:
    name, space, squash, settings = RANDOM_SEARCH[kind]
    model = make(ARS, name, VECTOR, space, **settings)
    policy = imported(zip_of(model))
    assert_same(model, policy, vectors(16))
    assert (policy.card.head, policy.card.squash) == ("action" if space is ACTION else "q_values", squash)
    assert [guess for guess in policy.card.guesses if "ARS" in guess] == policy.card.guesses
    assert bool(policy.card.guesses) == (space is CHOICE)


@pytest.mark.parametrize("space", [ACTION, CHOICE])
def test_linear_random_search_of_older_versions(space: spaces.Space[Any]) -> None:
    """There the network was the layer itself, not a Sequential of it."""
    model = make(ARS, "LinearPolicy", VECTOR, space)
    state = {name.replace("action_net.0", "action_net"): value for name, value in model.policy.state_dict().items()}
    assert_same(model, imported(zipped({**members(zip_of(model)), "policy.pth": saved(state)})), vectors(16))


def test_the_weights_of_random_search_alone_do_not_say_what_they_give() -> None:
    entries = members(zip_of(make(ARS, "MlpPolicy", VECTOR, CHOICE)))
    with pytest.raises(PolicyRejected, match="Upload the whole zip"):
        imported(entries["policy.pth"])


@pytest.mark.parametrize("kind", PICTURES)
def test_policies_over_pictures(kind: str) -> None:
    algorithm, action, settings = PICTURES[kind]
    model = make(algorithm, "CnnPolicy", PIXELS_LAST, action, **settings)
    policy = imported(zip_of(model))
    assert_same(model, policy, frames(4))
    assert (policy.card.architecture, policy.card.observation.shape) == ("nature-cnn", (4, 84, 84))
    assert policy.card.guesses == []


WIDE = spaces.Box(-0.4, 0.4, (17,), np.float32)
VARIED = spaces.Box(np.linspace(-2, -1, 2000, dtype=np.float32), np.float32(1.5))


@pytest.mark.parametrize(
    ("algorithm", "action", "low", "high"),
    [
        (PPO, ACTION, [-1.0, -2.5], [1.0, 3.0]),
        (SAC, ACTION, [-1.0, -2.5], [1.0, 3.0]),
        (TD3, WIDE, -0.4, 0.4),
        (PPO, SQUARE, -2.0, 1.0),
        # The text leaves out the middle of so many numbers.
        (PPO, VARIED, None, 1.5),
    ],
)
def test_the_bounds_of_actions_are_on_the_card(algorithm: Any, action: Any, low: Any, high: Any) -> None:
    space = imported(zip_of(make(algorithm, "MlpPolicy", VECTOR, action))).card.action_space
    expected = {"kind": "Box", "shape": list(action.shape), "dtype": "float32", "low": low, "high": high}
    assert space == expected


def test_an_action_without_a_bound_has_none_on_the_card() -> None:
    data = zip_of(make(PPO, "MlpPolicy", VECTOR, ACTION))
    change = {"low": "[-inf  -1.]", "high": "[inf inf]", "low_repr": "None", "high_repr": "inf"}
    space = imported(zipped(edited(data, lambda settings: settings["action_space"].update(change)))).card.action_space
    assert space is not None
    assert (space["low"], space["high"]) == ([None, -1.0], [None, None])


def test_the_number_of_choices_is_on_the_card() -> None:
    card = imported(zip_of(make(DQN, "MlpPolicy", VECTOR))).card
    assert card.action_space == {"kind": "Discrete", "n": 6, "start": 0}
    assert imported(members(zip_of(make(DQN, "MlpPolicy", VECTOR)))["policy.pth"]).card.action_space is None


@pytest.mark.parametrize("algorithm", [PPO, SAC, TD3])
def test_actions_and_observations_of_several_axes(algorithm: Any) -> None:
    model = make(algorithm, "MlpPolicy", TABLE, SQUARE)
    policy = imported(zip_of(model))
    assert (policy.card.observation.shape, policy.card.actions) == ((2, 2), 4)
    assert_same(model, policy, vectors(8).reshape(8, 2, 2))


@pytest.mark.parametrize("algorithm", [PPO, SAC])
def test_unbounded_observations_in_double_precision(algorithm: Any) -> None:
    model = make(algorithm, "MlpPolicy", MUJOCO, ACTION)
    policy = imported(zip_of(model))
    assert_same(model, policy, vectors(8))
    assert policy.card.observation_space == {
        "kind": "Box",
        "shape": [4],
        "dtype": "float64",
        "low": None,
        "high": None,
    }


def test_extreme_deviations_of_sac_are_bounded_as_sb3_bounds_them() -> None:
    model = make(SAC, "MlpPolicy", VECTOR, ACTION)
    with torch.no_grad():
        model.policy.actor.log_std.weight.mul_(1000)  # type: ignore[union-attr, operator]
    deviations = load_network(imported(zip_of(model)).model)(vectors(64)).head[:, 2:]
    assert (float(deviations.min()), float(deviations.max())) == (-20.0, 2.0)


@pytest.mark.parametrize(
    ("algorithm", "action"), [(PPO, ACTION), (DQN, CHOICE), (QRDQN, CHOICE), (SAC, ACTION), (TD3, ACTION)]
)
def test_the_weights_alone(algorithm: Any, action: spaces.Space[Any]) -> None:
    model = make(algorithm, "MlpPolicy", VECTOR, action)
    policy = imported(members(zip_of(model))["policy.pth"])
    assert_same(model, policy, vectors(8))
    assert policy.card.format == "torch-state-dict"
    assert imported(save(model.policy.state_dict())).card.format == "safetensors"
    assert any("SB3's default" in guess for guess in policy.card.guesses)


ACTING = {
    PPO: ("action_net", "mlp_extractor.policy_net.2", ACTION),
    DQN: ("q_net.q_net.4", "q_net.q_net.2", CHOICE),
    QRDQN: ("quantile_net.quantile_net.4", "quantile_net.quantile_net.2", CHOICE),
    SAC: ("actor.mu", "actor.latent_pi.2", ACTION),
    TD3: ("actor.mu.4", "actor.mu.2", ACTION),
}
DAMAGES: dict[str, Any] = {
    "last layer missing": lambda last, hidden, state: state.pop(f"{last}.weight"),
    "hidden layer missing": lambda last, hidden, state: state.pop(f"{hidden}.weight"),
    "fewer features": lambda last, hidden, state: state.update({f"{last}.weight": torch.ones(6, 3)}),
    "a vector": lambda last, hidden, state: state.update({f"{last}.weight": torch.ones(6)}),
    "a number": lambda last, hidden, state: state.update({f"{hidden}.weight": torch.tensor(1.0)}),
    "four axes": lambda last, hidden, state: state.update({f"{hidden}.weight": torch.ones(2, 2, 2, 2)}),
    "nothing in it": lambda last, hidden, state: state.update(
        {f"{last}.weight": state[f"{last}.weight"][:0], f"{last}.bias": state[f"{last}.bias"][:0]}
    ),
    "bias": lambda last, hidden, state: state.update({f"{last}.bias": torch.ones(999)}),
    "NaN": lambda last, hidden, state: state[f"{last}.weight"].fill_(torch.nan),
    "not known": lambda last, hidden, state: state.update({f"{hidden}.gain": torch.ones(3)}),
}


@pytest.mark.parametrize("algorithm", ACTING)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_weights_are_rejected(algorithm: Any, damage: str) -> None:
    last, hidden, action = ACTING[algorithm]
    model = make(algorithm, "MlpPolicy", VECTOR, action)
    state = {name: tensor.clone() for name, tensor in model.policy.state_dict().items()}
    DAMAGES[damage](last, hidden, state)
    with pytest.raises(PolicyRejected) as caught:
        imported(zipped({**members(zip_of(model)), "policy.pth": saved(state)}))
    assert caught.value.code in ("architecture-mismatch", "unsupported-architecture", "non-finite-weights")


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("log_std", torch.zeros(3)),
        ("log_std", torch.zeros(64, 3)),
        ("log_std", torch.zeros(63, 2)),
        ("log_std", torch.zeros(2, 2, 2)),
        ("log_std", torch.tensor(0.0)),
        ("log_std", torch.full((2,), torch.inf)),
        ("log_std", torch.full((64, 2), 100.0)),
    ],
)
def test_deviations_that_do_not_fit_are_rejected(name: str, tensor: Tensor) -> None:
    model = make(PPO, "MlpPolicy", VECTOR, ACTION)
    state = {**model.policy.state_dict(), name: tensor}
    with pytest.raises(PolicyRejected) as caught:
        imported(zipped({**members(zip_of(model)), "policy.pth": saved(state)}))
    assert caught.value.code in ("architecture-mismatch", "non-finite-weights")


@pytest.mark.parametrize("name", ["actor.log_std.weight", "actor.log_std"])
def test_a_soft_actor_has_a_deviation_for_every_number(name: str) -> None:
    model = make(SAC, "MlpPolicy", VECTOR, ACTION)
    state = dict(model.policy.state_dict())
    state |= {name: torch.ones(3, 256), "actor.log_std.bias": torch.ones(3)}
    with pytest.raises(PolicyRejected) as caught:
        imported(zipped({**members(zip_of(model)), "policy.pth": saved(state)}))
    assert caught.value.code == "architecture-mismatch"


@pytest.mark.parametrize(
    ("algorithm", "action", "stated"),
    [
        (PPO, ACTION, {"_shape": [3]}),
        (SAC, ACTION, {"_shape": [2, 2]}),
        (TD3, ACTION, {":type:": "<class 'gymnasium.spaces.discrete.Discrete'>"}),
        (PPO, CHOICE, {":type:": "<class 'gymnasium.spaces.box.Box'>", "_shape": [6]}),
        (DQN, CHOICE, {"n": "5"}),
        (QRDQN, CHOICE, {"n": "12"}),
    ],
)
def test_an_action_space_that_contradicts_the_weights_is_rejected(
    algorithm: Any, action: spaces.Space[Any], stated: dict[str, Any]
) -> None:
    data = zip_of(make(algorithm, "MlpPolicy", VECTOR, action))
    with pytest.raises(PolicyRejected) as caught:
        imported(zipped(edited(data, lambda settings: settings["action_space"].update(stated))))
    assert caught.value.code == "architecture-mismatch"


@pytest.mark.parametrize("quantiles", [0, -3, 10**400, "many", [200], 7])
def test_odd_counts_of_quantiles(quantiles: Any) -> None:
    data = zip_of(make(QRDQN, "MlpPolicy", VECTOR))
    entries = edited(data, lambda settings: settings.update(policy_kwargs={"n_quantiles": quantiles}))
    if quantiles == 7:
        with pytest.raises(PolicyRejected, match="7 quantiles"):
            imported(zipped(entries))
    else:
        assert imported(zipped(entries)).card.actions == 6
