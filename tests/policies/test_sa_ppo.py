"""Checkpoints of SA-PPO's code and of its successors give the numbers of their own networks behind their own filter."""

import io
import pickle
import sys
from collections.abc import Sequence
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from saddlepoint.errors import PolicyRejected, UnsafePickle
from saddlepoint.policies import load_network
from tests.policies.networks import imported, saved, vectors

SIZE, ACTIONS = 5, 3


class Identity:
    """The filter that does nothing."""


class RunningStat:
    """Moments as Welford's algorithm keeps them."""

    def __init__(self, rows: NDArray[np.float64]) -> None:
        self._n, self._M = len(rows), rows.mean(0)
        self._S = ((rows - self._M) ** 2).sum(0)


class ZFilter:
    def __init__(self, rows: NDArray[np.float64], **attributes: Any) -> None:
        self.center, self.scale, self.clip = True, True, 2.0
        self.rs, self.prev_filter = RunningStat(rows), Identity()
        vars(self).update(attributes)


class StateWithTime:
    def __init__(self, inner: Any) -> None:
        self.prev_filter, self.horizon = inner, 1000


class Env:
    def __init__(self, state_filter: Any) -> None:
        self.state_filter, self.num_features = state_filter, SIZE
        self.random = np.random.RandomState(3)


class Policy(nn.Module):
    """Mean and log_stdev of two hidden layers, or scores of actions."""

    def __init__(self, *, hidden: Sequence[int] = (8, 8), last: str = "final_mean") -> None:
        super().__init__()
        sizes = (SIZE, *hidden)
        self.affine_layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.last = last
        self.add_module(last, nn.Linear(sizes[-1], ACTIONS))
        if last == "final_mean":
            self.log_stdev = nn.Parameter(torch.tensor([-0.5, 0.0, 0.25]))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.affine_layers:
            x = layer(x).tanh()
        return self.get_submodule(self.last)(x)  # type: ignore[no-any-return]


class Critic(Policy):
    def __init__(self) -> None:
        super().__init__(last="final")
        self.final = nn.Linear(8, 1)


class Recurrent(nn.Module):
    """The policy with an LSTM, which keeps layers of a perceptron that it does not use."""

    def __init__(self) -> None:
        super().__init__()
        self.affine_layers = nn.ModuleList([nn.Linear(SIZE, 8), nn.Linear(8, 8)])
        self.final_mean = nn.Linear(8, ACTIONS)
        self.embedding_layer = nn.Linear(SIZE, 8)
        self.lstm = nn.LSTM(8, 6, batch_first=True)
        self.output_layer = nn.Linear(6, ACTIONS)
        self.log_stdev = nn.Parameter(torch.tensor([-0.5, 0.0, 0.25]))

    def forward(self, steps: Tensor) -> Tensor:
        """(N, steps, SIZE) -> the means at every step."""
        return self.output_layer(self.lstm(self.embedding_layer(steps))[0])  # type: ignore[no-any-return]


class Judge(nn.Module):
    """A critic with a memory of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding_layer, self.lstm, self.final = nn.Linear(SIZE, 8), nn.LSTM(8, 6), nn.Linear(6, 1)


@pytest.fixture(autouse=True)
def code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environments' classes under the names that they have in that code."""
    package = ModuleType("policy_gradients")
    monkeypatch.setitem(sys.modules, package.__name__, package)
    for name, kinds in {"custom_env": (Env,), "torch_utils": (ZFilter, RunningStat, Identity, StateWithTime)}.items():
        module = ModuleType(f"policy_gradients.{name}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        setattr(package, name, module)
        for kind in kinds:
            monkeypatch.setattr(kind, "__module__", module.__name__)
            setattr(module, kind.__name__, kind)


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return np.random.default_rng(0).normal([0, 1, -2, 0, 3], [1, 0.5, 2, 1e-3, 4], (50, SIZE))


def filtered(x: Tensor, rows: NDArray[np.float64], clip: float = 2.0) -> Tensor:
    """What ZFilter gives, in its own double precision."""
    scaled = (x.double().numpy() - rows.mean(0)) / (rows.std(0, ddof=1) + 1e-8)
    return torch.from_numpy(scaled.clip(-clip, clip)).float()


def checkpoint(policy: nn.Module, state_filter: Any, critic: nn.Module | None = None) -> dict[str, Any]:
    optimiser = torch.optim.Adam(policy.parameters())
    return {
        "val_model": (critic or Critic()).state_dict(),
        "policy_model": policy.state_dict(),
        "policy_opt": optimiser.state_dict(),
        "envs": [Env(state_filter)],
        "iteration": 7,
    }


@pytest.mark.parametrize(("is_zip", "protocol"), [(True, 2), (True, 4), (False, 2)])
def test_the_policy_stands_behind_its_filter(rows: NDArray[np.float64], is_zip: bool, protocol: int) -> None:
    torch.manual_seed(0)
    policy, critic = Policy(), Critic()
    data = saved(
        checkpoint(policy, ZFilter(rows), critic), pickle_protocol=protocol, _use_new_zipfile_serialization=is_zip
    )
    found = imported(data)
    x = torch.from_numpy(rows[:20] * 1.5).float()
    outputs, seen = load_network(found.model)(x), filtered(x, rows)
    with torch.no_grad():
        torch.testing.assert_close(outputs.head[:, :ACTIONS], policy(seen), atol=2e-5, rtol=0)
        torch.testing.assert_close(outputs.value, critic(seen)[:, 0], atol=2e-5, rtol=0)
    torch.testing.assert_close(outputs.head[:, ACTIONS:], policy.log_stdev.detach().expand(20, -1))
    card = found.card
    assert (card.head, card.format, card.fixed_deviation, card.squash) == ("gaussian", "torch-checkpoint", True, "none")
    np.testing.assert_allclose(card.observation_std or [], rows.std(0, ddof=1) + 1e-8, rtol=1e-6)
    assert card.contents == [
        "entry 'policy_model': read",
        "entry 'val_model': read as the value of a state",
        "entry 'envs': mean and deviation of observations read, clipped to -2..2; nothing in it was run",
        "'policy_opt', 'iteration': ignored",
    ]
    assert card.guesses == ["tanh after every hidden layer, as the networks of these names have"]


def test_the_memory_of_a_recurrent_policy(rows: NDArray[np.float64]) -> None:
    torch.manual_seed(0)
    policy = Recurrent()
    found = imported(saved(checkpoint(policy, ZFilter(rows, clip=None), Judge())))
    network = load_network(found.model)
    steps = torch.from_numpy(rows[:24].reshape(4, 6, SIZE)).float()
    with torch.no_grad():
        expected = policy(filtered(steps, rows, clip=np.inf))
    states = network.initial_states(4)
    for at in range(6):
        outputs = network(steps[:, at], states)
        states = outputs.states
        torch.testing.assert_close(outputs.head[:, :ACTIONS], expected[:, at], atol=2e-5, rtol=0)
    assert (len(found.card.states), outputs.value, found.card.guesses) == (2, None, [])
    assert found.card.contents[-1] == "'val_model', 'policy_opt', 'iteration': ignored"


def test_a_clip_of_zero_is_none(rows: NDArray[np.float64]) -> None:
    for clip in (None, 0, 0.0, np.float64(0)):
        lines = imported(saved(checkpoint(Policy(), ZFilter(rows, clip=clip)))).card.contents
        assert "entry 'envs': mean and deviation of observations read; nothing in it was run" in lines


def test_choices_are_scores(rows: NDArray[np.float64]) -> None:
    policy = Policy(last="final")
    found = imported(saved(checkpoint(policy, ZFilter(rows))))
    x = torch.from_numpy(rows).float()
    with torch.no_grad():
        torch.testing.assert_close(load_network(found.model)(x).logits, policy(filtered(x, rows)), atol=2e-5, rtol=0)


def test_the_critic_keeps_its_tanh_whatever_the_policy_has(rows: NDArray[np.float64]) -> None:
    critic = Critic()
    found = imported(saved(checkpoint(Policy(), ZFilter(rows), critic)), activation="relu")
    x = torch.from_numpy(rows).float()
    with torch.no_grad():
        expected = critic(filtered(x, rows))[:, 0]
    torch.testing.assert_close(load_network(found.model)(x).value, expected, atol=2e-5, rtol=0)


def test_a_critic_of_shared_weights_stands_on_the_features_of_the_actor(rows: NDArray[np.float64]) -> None:
    policy = Policy()
    policy.final_value = nn.Linear(8, 1)
    found = imported(saved(checkpoint(policy, ZFilter(rows))))
    x = torch.from_numpy(rows).float()
    with torch.no_grad():
        features = filtered(x, rows)
        for layer in policy.affine_layers:
            features = layer(features).tanh()
        expected = policy.final_value(features)[:, 0]
    torch.testing.assert_close(load_network(found.model)(x).value, expected, atol=2e-5, rtol=0)


@pytest.mark.parametrize("name", ["norms.0.weight", "affine_layers.0.weight_g", "final_std.weight"])
def test_layers_that_are_not_known_are_refused(rows: NDArray[np.float64], name: str) -> None:
    content = checkpoint(Policy(), ZFilter(rows))
    content["policy_model"][name] = torch.ones(8)
    with pytest.raises(PolicyRejected, match=f"'{name}' does not"):
        imported(saved(content))


def test_a_tanh_around_the_mean_is_the_cards_to_say(rows: NDArray[np.float64]) -> None:
    data = saved(checkpoint(Policy(), ZFilter(rows)))
    assert [imported(data, **hint).card.squash for hint in ({}, {"squash": "tanh"})] == ["none", "tanh"]


def test_environments_may_be_one_or_several_and_nothing_else(rows: NDArray[np.float64]) -> None:
    content, alone = checkpoint(Policy(), ZFilter(rows)), Env(ZFilter(rows))
    for several in ([alone, Env(Identity())], (alone,), alone):
        card = imported(saved({**content, "envs": several})).card
        np.testing.assert_allclose(card.observation_std or [], rows.std(0, ddof=1) + 1e-8, rtol=1e-6)
    for other in ([], "Hopper-v2", {"env": alone}, [ZFilter(rows)]):
        with pytest.raises(PolicyRejected, match="something else"):
            imported(saved({**content, "envs": other}))


def test_other_depths_and_activations() -> None:
    policy = Policy(hidden=(16, 8, 8))
    found = imported(saved({"policy_model": policy.state_dict(), "envs": [Env(Identity())]}), activation="relu")
    x = vectors(8, SIZE)
    with torch.no_grad():
        expected = x
        for layer in policy.affine_layers:
            expected = layer(expected).relu()
        expected = policy.get_submodule("final_mean")(expected)
    torch.testing.assert_close(load_network(found.model)(x).head[:, :ACTIONS], expected, atol=1e-5, rtol=0)
    assert found.card.guesses == ["observations are not normalised: the checkpoint holds no statistics of them"]
    assert load_network(found.model)(x).value is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"scale": False}, "divide by the deviation", id="not scaled"),
        pytest.param({"center": False}, "subtract the mean", id="not centred"),
        pytest.param({"clip": float("nan")}, "statistics", id="clip"),
        pytest.param({"rs": None}, "statistics", id="no moments"),
        pytest.param({"rs": RunningStat(np.full((3, SIZE), np.nan))}, "statistics", id="not finite"),
        pytest.param({"rs": RunningStat(np.zeros((1, SIZE)))}, "statistics", id="one observation"),
        pytest.param({"rs": RunningStat(np.zeros((9, SIZE + 1)))}, "statistics", id="other size"),
        pytest.param({"rs": RunningStat(np.ones((9, 1)))}, "statistics", id="one number"),
        pytest.param({"clip": [1.0, 2.0]}, "statistics", id="clips"),
        pytest.param({"prev_filter": StateWithTime(Identity())}, "adds the time", id="the time"),
    ],
)
def test_other_filters_are_refused(rows: NDArray[np.float64], change: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyRejected, match=message):
        imported(saved(checkpoint(Policy(), ZFilter(rows, **change))))


def test_time_among_the_observations_is_refused(rows: NDArray[np.float64]) -> None:
    with pytest.raises(PolicyRejected, match="adds the time"):
        imported(saved(checkpoint(Policy(), StateWithTime(ZFilter(rows)))))


def test_layers_whose_bias_is_a_column_are_refused() -> None:
    state = {name: tensor for name, tensor in Policy().state_dict().items() if not name.endswith("bias")}
    with pytest.raises(PolicyRejected, match="use_merged_bias"):
        imported(saved({"policy_model": state}))


def test_code_beside_the_weights_is_refused_in_either_format(rows: NDArray[np.float64], tmp_path: Any) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (tmp_path / "marker").write_text, ("executed",)

    for is_zip in (True, False):
        data = saved({**checkpoint(Policy(), ZFilter(rows)), "x": Trap()}, _use_new_zipfile_serialization=is_zip)
        with pytest.raises(UnsafePickle, match="could run code"):
            imported(data)
    assert not list(tmp_path.iterdir())


def test_damage_of_the_old_format(rows: NDArray[np.float64]) -> None:
    data = saved(checkpoint(Policy(), ZFilter(rows)), _use_new_zipfile_serialization=False)
    stream = io.BytesIO(data)
    parts = []
    for _ in range(3):
        pickle.load(stream)
        parts.append(stream.tell())
    big = data[: parts[1]] + data[parts[1] : parts[2]].replace(b"\x88", b"\x89", 1) + data[parts[2] :]
    for damaged in (data[:-1], data[: len(data) // 2], data[: parts[1]], data[:-9] + data[-8:], big):
        with pytest.raises(PolicyRejected):
            imported(damaged)
