"""Plain weights under known names, from PyTorch and safetensors files."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from saddlepoint.errors import ArchitectureMismatch, NonFiniteWeights, UnsupportedArchitecture
from saddlepoint.policies import canonical_model, check_rows, load_network
from tests.policies.networks import (
    Mlp,
    NatureCnn,
    as_safetensors,
    frames,
    imported,
    network_of,
    saved,
    seeded,
    vectors,
)

OWN = ["policy.hidden1", "policy.hidden2", "policy.output"]
CLEANRL_NAMES = {
    "conv1": "network.0",
    "conv2": "network.2",
    "conv3": "network.4",
    "hidden": "network.7",
    "policy": "actor",
    "value": "critic",
}


def cleanrl(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights under the names of cleanrl/ppo_atari.py."""
    return {f"{CLEANRL_NAMES[name.split('.')[0]]}.{name.split('.')[1]}": value for name, value in state.items()}


def nature_state() -> dict[str, Tensor]:
    return dict(seeded(NatureCnn).state_dict())


def perceptron_state(names: list[str], sizes: list[int], seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, before, after in zip(names, sizes, sizes[1:], strict=False):
        state[f"{name}.weight"] = torch.randn(after, before, generator=generator)
        state[f"{name}.bias"] = torch.randn(after, generator=generator)
    return state


def run(state: dict[str, Tensor], names: list[str], x: Tensor, activation: Any = torch.tanh) -> Tensor:
    for name in names[:-1]:
        x = activation(nn.functional.linear(x, state[f"{name}.weight"], state[f"{name}.bias"]))
    return nn.functional.linear(x, state[f"{names[-1]}.weight"], state[f"{names[-1]}.bias"])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: saved(nature_state()), id="torch"),
        pytest.param(lambda: as_safetensors(seeded(NatureCnn)), id="safetensors"),
        pytest.param(lambda: saved(cleanrl(nature_state())), id="cleanrl"),
        pytest.param(lambda: saved({f"module.{k}": v for k, v in nature_state().items()}), id="DataParallel"),
        pytest.param(lambda: saved({f"_orig_mod.{k}": v for k, v in nature_state().items()}), id="compiled"),
        pytest.param(lambda: saved({"model_state_dict": nature_state(), "step": 7}), id="checkpoint"),
        pytest.param(lambda: saved(seeded(NatureCnn).state_dict()), id="with metadata"),
        pytest.param(
            lambda: saved(
                {k: v.to(memory_format=torch.channels_last) if v.ndim == 4 else v for k, v in nature_state().items()}
            ),
            id="channels-last weights",
        ),
    ],
)
def test_a_nature_cnn_by_any_of_its_names(data: Any) -> None:
    policy = imported(data())
    with torch.no_grad():
        logits, value = seeded(NatureCnn)(frames(2))
    outputs = load_network(policy.model)(frames(2))
    torch.testing.assert_close(outputs.logits, logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(outputs.value, value[:, 0], atol=1e-5, rtol=0)
    assert (policy.card.architecture, policy.card.observation.shape, policy.card.actions) == (
        "nature-cnn",
        (4, 84, 84),
        6,
    )


@pytest.mark.parametrize(
    "rename",
    [
        pytest.param(lambda name: f"_orig_mod.module.{name}", id="compiled DataParallel"),
        pytest.param(lambda name: f"module._orig_mod.{name}", id="DataParallel of a compiled one"),
        pytest.param(lambda name: f"agent.{name}", id="agent"),
        pytest.param(lambda name: f"policy.{name}", id="policy"),
        pytest.param(lambda name: f"module.model.{name}", id="model in DataParallel"),
        pytest.param(lambda name: f"network.{name}", id="network"),
        pytest.param(lambda name: name.replace("network.", "network.network."), id="nested"),
        pytest.param(lambda name: name.replace("network.", "network._orig_mod."), id="compiled in part"),
        pytest.param(lambda name: f"agent.{name.replace('network.', 'network.network.')}", id="nested in an agent"),
    ],
)
def test_what_is_put_around_a_network_changes_nothing(rename: Callable[[str], str]) -> None:
    for state in (cleanrl(nature_state()), perceptron_state(["actor.0", "actor.2"], [4, 8, 3])):
        policy = imported(saved({rename(name): tensor for name, tensor in state.items()}))
        assert policy.model == imported(saved(state)).model


def test_prefixes_of_names_that_we_know_stay() -> None:
    names = ["policy.hidden1", "policy.hidden2", "policy.output"]
    state = perceptron_state(names, [4, 8, 8, 3])
    outputs = network_of(saved({f"module.{name}": tensor for name, tensor in state.items()}))(vectors(5))
    torch.testing.assert_close(outputs.logits, run(state, names, vectors(5)), atol=1e-5, rtol=0)
    values = perceptron_state(["network.0", "network.2"], [4, 8, 3])
    assert imported(saved({f"agent.{name}": tensor for name, tensor in values.items()})).card.head == "q_values"


def test_names_that_would_be_the_same_are_left_alone() -> None:
    state = perceptron_state(["actor.0", "actor.2"], [4, 8, 3])
    with pytest.raises(ArchitectureMismatch):
        imported(saved({**state, "_orig_mod.actor.0.weight": torch.ones(8, 4)}))


def test_half_precision_weights_are_computed_in_float32() -> None:
    halves = {name: value.half() for name, value in nature_state().items()}
    expected = network_of(saved({name: value.float() for name, value in halves.items()}))(frames(2)).logits
    assert torch.equal(network_of(saved(halves))(frames(2)).logits, expected)


def test_the_size_of_pictures_follows_from_the_weights() -> None:
    state = dict(NatureCnn(size=64).state_dict())
    assert imported(saved(state)).card.observation.shape == (4, 64, 64)


def test_a_network_without_a_critic_has_no_value() -> None:
    state = {name: tensor for name, tensor in nature_state().items() if not name.startswith("value")}
    assert network_of(saved(state))(frames(1)).value is None


@pytest.mark.parametrize(
    ("policy", "value"),
    [
        (["policy.hidden1", "policy.hidden2", "policy.output"], ["value.hidden1", "value.hidden2", "value.output"]),
        (["policy_net.0", "policy_net.2", "policy_net.4"], ["value_net.0", "value_net.2", "value_net.4"]),
        (["actor.0", "actor.2", "actor.4"], ["critic.0", "critic.2", "critic.4"]),
        (["actor.0", "actor.2"], []),
    ],
)
def test_perceptrons_by_their_names(policy: list[str], value: list[str]) -> None:
    sizes = [4, *[8] * (len(policy) - 1), 3]
    state = perceptron_state(policy, sizes) | perceptron_state(value, [4, 8, 8, 1], seed=1)
    outputs = network_of(saved(state))(vectors(5))
    torch.testing.assert_close(outputs.logits, run(state, policy, vectors(5)), atol=1e-5, rtol=0)
    if value:
        torch.testing.assert_close(outputs.value, run(state, value, vectors(5))[:, 0], atol=1e-5, rtol=0)


def test_the_activation_is_a_guess_unless_the_card_gives_it() -> None:
    names = ["actor.0", "actor.2"]
    state = perceptron_state(names, [4, 8, 3])
    assert imported(saved(state)).card.guesses == ["tanh after every hidden layer, as the networks of these names have"]
    policy = imported(saved(state), activation="relu")
    assert policy.card.guesses == []
    expected = run(state, names, vectors(5), torch.relu)
    torch.testing.assert_close(load_network(policy.model)(vectors(5)).logits, expected, atol=1e-5, rtol=0)


def test_a_canonical_model_can_be_made_of_weights_directly() -> None:
    with torch.no_grad():
        logits, _ = seeded(NatureCnn)(frames(1))
    network = load_network(canonical_model(nature_state()))
    torch.testing.assert_close(network(frames(1)).logits, logits, atol=1e-5, rtol=0)


def _without(name: str) -> dict[str, Tensor]:
    return {key: value for key, value in nature_state().items() if key != name}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param(lambda: dict(seeded(Mlp).state_dict()), UnsupportedArchitecture, id="unknown names"),
        pytest.param(dict, ArchitectureMismatch, id="nothing"),
        pytest.param(lambda: _without("hidden.weight"), ArchitectureMismatch, id="a layer missing"),
        pytest.param(lambda: {**nature_state(), "norm.weight": torch.ones(3)}, ArchitectureMismatch, id="one too many"),
        pytest.param(
            lambda: {**nature_state(), "conv1.weight": torch.ones(32, 4, 7, 7)}, ArchitectureMismatch, id="kernel"
        ),
        pytest.param(
            lambda: {**nature_state(), "hidden.weight": torch.ones(512, 3000)}, ArchitectureMismatch, id="features"
        ),
        pytest.param(lambda: {**nature_state(), "policy.weight": torch.ones(6, 100)}, ArchitectureMismatch, id="head"),
        pytest.param(lambda: {**nature_state(), "policy.bias": torch.ones(5)}, ArchitectureMismatch, id="bias"),
        pytest.param(
            lambda: {**nature_state(), "conv2.bias": torch.full((64,), torch.nan)}, NonFiniteWeights, id="NaN"
        ),
        pytest.param(
            lambda: {**nature_state(), "policy.weight": torch.full((6, 512), 1e38)}, NonFiniteWeights, id="overflow"
        ),
        pytest.param(lambda: perceptron_state(["actor.0", "actor.3"], [4, 8, 3]), ArchitectureMismatch, id="numbering"),
        pytest.param(
            lambda: perceptron_state(["actor.0", "actor.2"], [4, 8, 3]) | perceptron_state(["critic.0"], [5, 1]),
            ArchitectureMismatch,
            id="actor and critic see differently",
        ),
    ],
)
def test_other_weights_are_refused(state: Any, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        imported(saved(state()))


@pytest.mark.parametrize(
    "make", [lambda: perceptron_state(OWN, [4, 8, 8, 2]), lambda: dict(seeded(lambda: NatureCnn(2)).state_dict())]
)
def test_a_log_std_beside_our_own_layers_makes_a_gaussian(make: Callable[[], dict[str, Tensor]]) -> None:
    state = make()
    plain, policy = imported(saved(state)), imported(saved(state | {"log_std": torch.tensor([-0.5, 0.25])}))
    assert (policy.card.head, policy.card.actions, policy.card.fixed_deviation) == ("gaussian", 2, True)
    rows = torch.from_numpy(check_rows(policy.card.observation.shape))
    mean, log_std = load_network(policy.model)(rows).head.chunk(2, dim=1)
    torch.testing.assert_close(mean, load_network(plain.model)(rows).head)
    assert log_std[0].tolist() == [-0.5, 0.25]
    assert bool((log_std == log_std[0]).all())


def test_a_log_std_of_another_count_is_refused() -> None:
    with pytest.raises(ArchitectureMismatch, match=r"each of the 2 numbers of an action; .* shape \[3\]"):
        imported(saved(perceptron_state(OWN, [4, 8, 8, 2]) | {"log_std": torch.zeros(3)}))
