"""Networks with the names and the arithmetic of CleanRL's, as its scripts save them."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from safetensors.torch import save
from torch import Tensor, nn

from saddlepoint.errors import PolicyRejected
from saddlepoint.policies import ImportedPolicy, load_network
from tests.policies.networks import frames, imported, saved, seeded, vectors

BOUNDS = torch.tensor([-1.0, -2.5]), torch.tensor([1.0, 3.0])
RELU, TANH = (f"{name} after every hidden layer, as the networks of these names have" for name in ("relu", "tanh"))


def perceptron(sizes: list[int], activation: type[nn.Module]) -> nn.Sequential:
    layers = [layer for pair in pairwise(sizes) for layer in (nn.Linear(*pair), activation())]
    return nn.Sequential(*layers[:-1])


class PpoContinuous(nn.Module):
    """ppo_continuous_action.py"""

    def __init__(self) -> None:
        super().__init__()
        self.critic = perceptron([4, 64, 64, 1], nn.Tanh)
        self.actor_mean = perceptron([4, 64, 64, 2], nn.Tanh)
        self.actor_logstd = nn.Parameter(torch.tensor([[0.3, -1.2]]))

    def forward(self, x: Tensor) -> Tensor:
        mean = self.actor_mean(x)
        return torch.cat([mean, self.actor_logstd.expand_as(mean)], 1)


class Actor(nn.Module):
    """sac_continuous_action.py, td3_continuous_action.py and ddpg_continuous_action.py, before their tanh."""

    def __init__(self, *, soft: bool) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 32), nn.Linear(32, 32)
        if soft:
            self.fc_mean, self.fc_logstd = nn.Linear(32, 2), nn.Linear(32, 2)
        else:
            self.fc_mu = nn.Linear(32, 2)
        low, high = BOUNDS
        self.register_buffer("action_scale", (high - low) / 2)
        self.register_buffer("action_bias", (high + low) / 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc2(self.fc1(x).relu()).relu()
        if hasattr(self, "fc_mu"):
            return self.fc_mu(x)  # type: ignore[no-any-return]
        return torch.cat([self.fc_mean(x), -5 + 0.5 * 7 * (self.fc_logstd(x).tanh() + 1)], 1)


class Dqn(nn.Module):
    """dqn.py"""

    def __init__(self) -> None:
        super().__init__()
        self.network = perceptron([4, 120, 84, 3], nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)  # type: ignore[no-any-return]


class DqnAtari(nn.Module):
    """dqn_atari.py"""

    def __init__(self) -> None:
        super().__init__()
        convolutions = nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(), nn.Conv2d(64, 64, 3)
        rest = nn.ReLU(), nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 6)
        self.network = nn.Sequential(*convolutions, *rest)

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x / 255.0)  # type: ignore[no-any-return]


NETWORKS: dict[str, Any] = {
    "ppo": (PpoContinuous, "gaussian", "none", [TANH]),
    "sac": (lambda: Actor(soft=True), "gaussian", "tanh", [RELU]),
    "td3": (lambda: Actor(soft=False), "action", "tanh", [RELU]),
    "dqn": (
        Dqn,
        "q_values",
        "none",
        ["the outputs of 'network' taken as Q-values, as those of CleanRL's DQN are", RELU],
    ),
}


def network(kind: str) -> nn.Module:
    return seeded(NETWORKS[kind][0])


def state_of(kind: str) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network(kind).state_dict().items()}


def assert_same(policy: ImportedPolicy, expected: nn.Module, x: Tensor) -> None:
    with torch.no_grad():
        torch.testing.assert_close(load_network(policy.model)(x).head, expected(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("write", [saved, save], ids=["torch", "safetensors"])
def test_networks_by_their_names(kind: str, write: Any) -> None:
    policy = imported(write(state_of(kind)))
    assert_same(policy, network(kind), vectors(16))
    _, head, squash, guesses = NETWORKS[kind]
    card = policy.card
    assert (card.head, card.squash, card.guesses, card.fixed_deviation) == (head, squash, guesses, kind == "ppo")


def test_the_q_network_of_atari() -> None:
    policy = imported(saved(seeded(DqnAtari).state_dict()))
    assert_same(policy, seeded(DqnAtari), frames(2))
    assert (policy.card.head, policy.card.architecture, policy.card.actions) == ("q_values", "nature-cnn", 6)


def test_a_critic_of_the_state_gives_the_value() -> None:
    ppo = seeded(PpoContinuous)
    value = load_network(imported(saved(ppo.state_dict())).model)(vectors(5)).value
    with torch.no_grad():
        torch.testing.assert_close(value, ppo.critic(vectors(5))[:, 0], atol=1e-5, rtol=0)  # type: ignore[operator]


def test_the_tuple_that_td3_saves() -> None:
    critic = {"fc1.weight": torch.ones(8, 6), "fc1.bias": torch.ones(8)}
    policy = imported(saved((state_of("td3"), critic, critic)))
    assert_same(policy, network("td3"), vectors(4))
    assert policy.card.contents == ["8 tensors: read; 4 of critics: ignored"]


def test_an_actor_without_its_scale_is_guessed_to_be_squashed() -> None:
    state = {name: tensor for name, tensor in state_of("sac").items() if not name.startswith("action_")}
    card = imported(saved(state)).card
    assert (card.squash, any("tanh of the last layer" in guess for guess in card.guesses)) == ("tanh", True)
    assert imported(saved(state), squash="none", activation="relu").card.guesses == []
    assert imported(saved(state), squash="none").card.squash == "none"


@pytest.mark.parametrize("kind", ["sac", "td3"])
def test_the_scale_of_an_actor_gives_the_bounds_of_its_actions(kind: str) -> None:
    stated = {"kind": "Box", "shape": [2], "dtype": None, "low": [-1.0, -2.5], "high": [1.0, 3.0]}
    assert imported(saved(state_of(kind))).card.action_space == stated
    single = {**state_of(kind), "action_scale": torch.tensor(2.0), "action_bias": torch.tensor([0.0])}
    space = imported(saved(single)).card.action_space
    assert space is not None
    assert (space["low"], space["high"]) == ([-2.0, -2.0], [2.0, 2.0])
    assert imported(saved(state_of("ppo"))).card.action_space is None


def test_statistics_of_a_normaliser_are_folded_in() -> None:
    policy = imported(saved(state_of("ppo")), observation_mean=[1.0], observation_std=[2.0], observation_clip=0.5)
    with torch.no_grad():
        expected = network("ppo")(((vectors(8) - 1) / 2).clamp(-0.5, 0.5))
    torch.testing.assert_close(load_network(policy.model)(vectors(8)).head, expected, atol=1e-5, rtol=0)


DAMAGES: dict[str, tuple[str, dict[str, Tensor | None]]] = {
    "no deviation": ("ppo", {"actor_logstd": None}),
    "deviation of three": ("ppo", {"actor_logstd": torch.zeros(1, 3)}),
    "deviation upright": ("ppo", {"actor_logstd": torch.zeros(2, 1)}),
    "infinite deviation": ("ppo", {"actor_logstd": torch.full((1, 2), torch.inf)}),
    "layer missing": ("ppo", {"actor_mean.2.weight": None, "actor_mean.2.bias": None}),
    "first layer missing": ("ppo", {"actor_mean.0.weight": None}),
    "critic sees differently": ("ppo", {"critic.0.weight": torch.ones(64, 5)}),
    "no deviation of sac": ("sac", {"fc_logstd.weight": None}),
    "deviations of sac": ("sac", {"fc_logstd.weight": torch.ones(3, 32), "fc_logstd.bias": torch.ones(3)}),
    "scale": ("sac", {"action_scale": torch.ones(3)}),
    "endless scale": ("td3", {"action_scale": torch.full((2,), torch.inf)}),
    "no second layer": ("td3", {"fc2.weight": None}),
    "first layer of four axes": ("td3", {"fc1.weight": torch.ones(2, 2, 2, 2)}),
    "another tensor": ("td3", {"norm.weight": torch.ones(32)}),
    "atoms of c51": ("dqn", {"atoms": torch.ones(51)}),
    "widths": ("dqn", {"network.2.weight": torch.ones(84, 7)}),
    "numbering": ("dqn", {"network.5.weight": torch.ones(3, 3)}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_weights_are_rejected(damage: str) -> None:
    kind, changes = DAMAGES[damage]
    state = {name: value for name, value in {**state_of(kind), **changes}.items() if value is not None}
    with pytest.raises(PolicyRejected) as caught:
        imported(saved(state))
    assert caught.value.code in ("architecture-mismatch", "non-finite-weights")


class AtariLstm(nn.Module):
    """ppo_atari_lstm.py, whose picture is a single frame."""

    def __init__(self, layers: int = 1) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(1, 32, 8, 4), nn.Conv2d(32, 64, 4, 2), nn.Conv2d(64, 64, 3)]
        features = [part for layer in convolutions for part in (layer, nn.ReLU())]
        self.network = nn.Sequential(*features, nn.Flatten(), nn.Linear(64 * 7 * 7, 512), nn.ReLU())
        self.lstm = nn.LSTM(512, 128, layers)
        self.actor, self.critic = nn.Linear(128, 6), nn.Linear(128, 1)

    def forward(self, pixels: Tensor, states: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor, Any]:
        hidden, states = self.lstm(self.network(pixels / 255.0).unsqueeze(0), states)
        return self.actor(hidden[0]), self.critic(hidden[0])[:, 0], states


@pytest.mark.parametrize("layers", [1, 2])
def test_an_lstm_after_the_convolutions_remembers(layers: int) -> None:
    theirs = seeded(lambda: AtariLstm(layers)).eval()
    policy = imported(saved(theirs.state_dict()))
    network, memory = load_network(policy.model), None
    states = network.initial_states(3)
    assert policy.card.observation.shape == (1, 84, 84)
    for step in range(4):
        pixels = torch.randint(0, 256, (3, 1, 84, 84), generator=torch.Generator().manual_seed(step)).float()
        ours = network(pixels, states)
        states = ours.states
        with torch.no_grad():
            logits, value, memory = theirs(pixels, memory)
        torch.testing.assert_close(ours.head, logits, rtol=0, atol=1e-5)
        torch.testing.assert_close(ours.value, value, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "cell"), [("gru", nn.GRU), ("lstm", nn.LSTMCell), ("memory", nn.LSTM)], ids=["GRU", "cell", "name"]
)
def test_another_recurrent_network_is_refused_with_its_own_way_out(name: str, cell: Any) -> None:
    state = dict(seeded(AtariLstm).state_dict())
    state = {key: tensor for key, tensor in state.items() if not key.startswith("lstm.")}
    state |= {f"{name}.{key}": tensor for key, tensor in cell(512, 8).state_dict().items()}
    with pytest.raises(PolicyRejected, match=r"recurrent layers.*'state_") as caught:
        imported(saved(state))
    assert "'logits'" not in caught.value.message


def test_a_recurrent_network_of_unknown_layers_is_refused() -> None:
    state = {f"lstm.{key}": tensor for key, tensor in nn.LSTM(4, 8).state_dict().items()}
    with pytest.raises(PolicyRejected, match=r"recurrent layers.*'state_"):
        imported(saved({**state, "actor.0.weight": torch.ones(2, 8), "actor.0.bias": torch.ones(2)}))


@pytest.mark.parametrize(
    "held", [(), ({},), ({}, {}), ({"fc_mu.weight": torch.ones(2, 3)}, 3), ({1: torch.ones(2)}, {})]
)
def test_odd_tuples_are_rejected(held: Any) -> None:
    with pytest.raises(PolicyRejected):
        imported(saved(held))
