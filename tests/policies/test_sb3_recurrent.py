"""RecurrentPPO of the real sb3-contrib gives its own distributions all along an episode."""

from typing import Any

import pytest
import torch
from gymnasium import spaces
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from stable_baselines3.common.base_class import BaseAlgorithm
from torch import Tensor

from saddlepoint.errors import PolicyRejected
from saddlepoint.policies import ImportedPolicy, load_network
from tests.policies.networks import frames, imported, saved, vectors, zipped
from tests.policies.sb3_models import ACTION, CHOICE, PIXELS_LAST, VECTOR, make, members, zip_of

STEPS, ROWS = 4, 3
CRITICS: dict[str, dict[str, Any]] = {
    "own": {},
    "shared": {"shared_lstm": True, "enable_critic_lstm": False},
    "without memory": {"enable_critic_lstm": False},
}
SETTINGS: dict[str, tuple[str, spaces.Space[Any], spaces.Space[Any], dict[str, Any]]] = {
    "vectors": ("MlpLstmPolicy", VECTOR, CHOICE, {}),
    "pictures": ("CnnLstmPolicy", PIXELS_LAST, CHOICE, {"lstm_hidden_size": 32}),
    "own extractors": ("CnnLstmPolicy", PIXELS_LAST, CHOICE, {"share_features_extractor": False}),
    "numbers": ("MlpLstmPolicy", VECTOR, ACTION, {"net_arch": {"pi": [16], "vf": [8]}}),
    "gsde": ("MlpLstmPolicy", VECTOR, ACTION, {"use_sde": True}),
    "two layers": ("MlpLstmPolicy", VECTOR, CHOICE, {"n_lstm_layers": 2, "lstm_hidden_size": 16}),
    "no bias": ("MlpLstmPolicy", VECTOR, CHOICE, {"lstm_kwargs": {"bias": False}}),
}


def model_of(kind: str, **more: Any) -> BaseAlgorithm:
    policy, observation, action, settings = SETTINGS[kind]
    use_sde = settings.get("use_sde", False)
    rest = {key: value for key, value in settings.items() if key != "use_sde"}
    return make(RecurrentPPO, policy, observation, action, use_sde=use_sde, **rest, **more)


def policy_of(model: BaseAlgorithm) -> RecurrentActorCriticPolicy:
    assert isinstance(model.policy, RecurrentActorCriticPolicy)
    return model.policy.eval()


def episode(kind: str) -> list[Tensor]:
    seen = frames(STEPS * ROWS) if SETTINGS[kind][1] is PIXELS_LAST else vectors(STEPS * ROWS)
    return list(torch.split(seen, ROWS))


def assert_plays_as(model: BaseAlgorithm, imported_policy: ImportedPolicy, observations: list[Tensor]) -> None:
    network, theirs = load_network(imported_policy.model), policy_of(model)
    states = network.initial_states(ROWS)
    layers, _, hidden = theirs.lstm_hidden_state_shape
    memory = (torch.zeros(layers, ROWS, hidden), torch.zeros(layers, ROWS, hidden))
    for observation in observations:
        ours = network(observation, states)
        states = ours.states
        with torch.no_grad():
            value = theirs.predict_values(observation, memory, torch.zeros(ROWS))[:, 0]
            distribution, after = theirs.get_distribution(observation, memory, torch.zeros(ROWS))
        memory = (after[0], after[1])
        found = distribution.distribution
        if isinstance(found, torch.distributions.Categorical):
            assert torch.allclose(ours.head.softmax(1), found.probs, rtol=0, atol=1e-5)
        else:
            assert isinstance(found, torch.distributions.Normal)
            mean, log_std = ours.head.chunk(2, dim=1)
            assert torch.allclose(mean, found.mean, rtol=0, atol=1e-5)
            assert torch.allclose(log_std.exp(), found.stddev, rtol=1e-4, atol=1e-5)
        if theirs.lstm_critic is None:
            assert ours.value is not None
            assert torch.allclose(ours.value, value, rtol=0, atol=1e-4)
        else:
            assert ours.value is None


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_step_of_an_episode(kind: str) -> None:
    model = model_of(kind)
    policy = imported(zip_of(model))
    assert_plays_as(model, policy, episode(kind))
    assert any("of critics and target networks: ignored" in line for line in policy.card.contents)
    assert policy.card.guesses == []


@pytest.mark.parametrize("critic", ["shared", "without memory"])
@pytest.mark.parametrize("kind", ["vectors", "numbers", "pictures"])
def test_a_critic_without_a_memory_of_its_own_is_kept(kind: str, critic: str) -> None:
    model = model_of(kind, **CRITICS[critic])
    assert_plays_as(model, imported(zip_of(model)), episode(kind))


def test_the_memory_counts() -> None:
    """Else a network without any would pass."""
    network = load_network(imported(zip_of(model_of("vectors"))).model)
    first, second = episode("vectors")[:2]
    remembered = network(first, network.initial_states(ROWS)).states
    assert not torch.allclose(network(second, remembered).head, network(second, network.initial_states(ROWS)).head)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("lstm_actor.weight_hh_l0", (1024, 255)),
        ("lstm_actor.weight_ih_l0", (1024,)),
        ("lstm_actor.weight_hh_l0", ()),
        ("lstm_actor.bias_ih_l0", (1023,)),
        ("lstm_actor.weight_hr_l0", (16, 256)),
        ("lstm_actor.weight_ih_l0_reverse", (1024, 4)),
    ],
)
def test_odd_weights_are_refused(name: str, shape: tuple[int, ...]) -> None:
    model = model_of("vectors")
    state = {**model.policy.state_dict(), name: torch.ones(shape)}
    with pytest.raises(PolicyRejected) as caught:
        imported(zipped({**members(zip_of(model)), "policy.pth": saved(state)}))
    assert caught.value.code in ("architecture-mismatch", "unsupported-architecture")
