"""Checkpoints of SA-PPO's code and of its successors give the numbers of their own networks behind their own filter."""

import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from saddlepoint.errors import PolicyRejected, UnsafePickle
from saddlepoint.policies import load_network
from tests.policies.networks import imported, vectors
from tests.policies.sa_ppo_models import (
    ACTIONS,
    SIZE,
    Critic,
    Env,
    Identity,
    Judge,
    Policy,
    Recurrent,
    RunningStat,
    StateWithTime,
    ZFilter,
    checkpoint,
    observed,
    saved_checkpoint,
)


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return observed()


def filtered(x: Tensor, rows: NDArray[np.float64], clip: float = 2.0) -> Tensor:
    """What ZFilter gives, in its own double precision."""
    scaled = (x.double().numpy() - rows.mean(0)) / (rows.std(0, ddof=1) + 1e-8)
    return torch.from_numpy(scaled.clip(-clip, clip)).float()


@pytest.mark.parametrize(("is_zip", "protocol"), [(True, 2), (True, 4), (False, 2)])
def test_the_policy_stands_behind_its_filter(rows: NDArray[np.float64], is_zip: bool, protocol: int) -> None:
    torch.manual_seed(0)
    policy, critic = Policy(), Critic()
    data = saved_checkpoint(
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
    found = imported(saved_checkpoint(checkpoint(policy, ZFilter(rows, clip=None), Judge())))
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
        lines = imported(saved_checkpoint(checkpoint(Policy(), ZFilter(rows, clip=clip)))).card.contents
        assert "entry 'envs': mean and deviation of observations read; nothing in it was run" in lines


def test_choices_are_scores(rows: NDArray[np.float64]) -> None:
    policy = Policy(last="final")
    found = imported(saved_checkpoint(checkpoint(policy, ZFilter(rows))))
    x = torch.from_numpy(rows).float()
    with torch.no_grad():
        torch.testing.assert_close(load_network(found.model)(x).logits, policy(filtered(x, rows)), atol=2e-5, rtol=0)


def test_the_critic_keeps_its_tanh_whatever_the_policy_has(rows: NDArray[np.float64]) -> None:
    critic = Critic()
    found = imported(saved_checkpoint(checkpoint(Policy(), ZFilter(rows), critic)), activation="relu")
    x = torch.from_numpy(rows).float()
    with torch.no_grad():
        expected = critic(filtered(x, rows))[:, 0]
    torch.testing.assert_close(load_network(found.model)(x).value, expected, atol=2e-5, rtol=0)


def test_a_critic_of_shared_weights_stands_on_the_features_of_the_actor(rows: NDArray[np.float64]) -> None:
    policy = Policy()
    policy.final_value = nn.Linear(8, 1)
    found = imported(saved_checkpoint(checkpoint(policy, ZFilter(rows))))
    x = torch.from_numpy(rows).float()
    with torch.no_grad():
        features = filtered(x, rows)
        for layer in policy.affine_layers:
            features = layer(features).tanh()
        expected = policy.final_value(features)[:, 0]
    assert found.card.contents[-1] == "'val_model', 'policy_opt', 'iteration': ignored"
    torch.testing.assert_close(load_network(found.model)(x).value, expected, atol=2e-5, rtol=0)


@pytest.mark.parametrize("name", ["norms.0.weight", "affine_layers.0.weight_g", "final_std.weight"])
def test_layers_that_are_not_known_are_refused(rows: NDArray[np.float64], name: str) -> None:
    content = checkpoint(Policy(), ZFilter(rows))
    content["policy_model"][name] = torch.ones(8)
    with pytest.raises(PolicyRejected, match=f"'{name}' does not"):
        imported(saved_checkpoint(content))


def test_a_tanh_around_the_mean_is_the_cards_to_say(rows: NDArray[np.float64]) -> None:
    data = saved_checkpoint(checkpoint(Policy(), ZFilter(rows)))
    assert [imported(data, **hint).card.squash for hint in ({}, {"squash": "tanh"})] == ["none", "tanh"]


def test_environments_may_be_one_or_several_and_nothing_else(rows: NDArray[np.float64]) -> None:
    content, alone = checkpoint(Policy(), ZFilter(rows)), Env(ZFilter(rows))
    for several in ([alone, Env(Identity())], (alone,), alone):
        card = imported(saved_checkpoint({**content, "envs": several})).card
        np.testing.assert_allclose(card.observation_std or [], rows.std(0, ddof=1) + 1e-8, rtol=1e-6)
    for other in ([], "Hopper-v2", {"env": alone}, [ZFilter(rows)]):
        with pytest.raises(PolicyRejected, match="something else"):
            imported(saved_checkpoint({**content, "envs": other}))


def test_other_depths_and_activations() -> None:
    policy = Policy(hidden=(16, 8, 8))
    found = imported(
        saved_checkpoint({"policy_model": policy.state_dict(), "envs": [Env(Identity())]}), activation="relu"
    )
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
        imported(saved_checkpoint(checkpoint(Policy(), ZFilter(rows, **change))))


def test_time_among_the_observations_is_refused(rows: NDArray[np.float64]) -> None:
    with pytest.raises(PolicyRejected, match="adds the time"):
        imported(saved_checkpoint(checkpoint(Policy(), StateWithTime(ZFilter(rows)))))


def test_layers_whose_bias_is_a_column_are_refused() -> None:
    state = {name: tensor for name, tensor in Policy().state_dict().items() if not name.endswith("bias")}
    with pytest.raises(PolicyRejected, match="use_merged_bias"):
        imported(saved_checkpoint({"policy_model": state}))


def test_code_beside_the_weights_is_refused_in_either_format(rows: NDArray[np.float64], tmp_path: Any) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (tmp_path / "marker").write_text, ("executed",)

    for is_zip in (True, False):
        data = saved_checkpoint(
            {**checkpoint(Policy(), ZFilter(rows)), "x": Trap()}, _use_new_zipfile_serialization=is_zip
        )
        with pytest.raises(UnsafePickle, match="could run code"):
            imported(data)
    assert not list(tmp_path.iterdir())


def test_damage_of_the_old_format(rows: NDArray[np.float64]) -> None:
    data = saved_checkpoint(checkpoint(Policy(), ZFilter(rows)), _use_new_zipfile_serialization=False)
    stream = io.BytesIO(data)
    parts = []
    for _ in range(3):
        pickle.load(stream)
        parts.append(stream.tell())
    big = data[: parts[1]] + data[parts[1] : parts[2]].replace(b"\x88", b"\x89", 1) + data[parts[2] :]
    for damaged in (data[:-1], data[: len(data) // 2], data[: parts[1]], data[:-9] + data[-8:], big):
        with pytest.raises(PolicyRejected):
            imported(damaged)
