"""From an uploaded policy to its hardened child, and on from there."""

from typing import Any

import pytest
import torch
from safetensors.torch import load

from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.policies import ImportedPolicy, load_network
from saddlepoint.policies.agreement import disagreement
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.trainings import TrainingSpec
from tests.policies.networks import imported
from tests.trainer import pictures, steering
from tests.trainer.cartpole import any_method, cartpole_spec
from tests.trainer.parents import observations, parent
from tests.trainer.steering import steering_spec
from trainer import checkpoint
from trainer.build import build_training
from trainer.curve import UpdateRecord
from trainer.graph_network import GraphNetwork
from trainer.measure import measure
from trainer.methods import METHODS
from trainer.ppo import start, train
from trainer.publish import PublishedPolicy, make_policy
from trainer.training import Training

PICTURES = {"steps": 32, "actors": 2, "horizon": 8, "minibatch": 8, "epochs": 1, "attack_steps": 2, "epsilon": 4.0}
KINDS = ["perceptron", "critical", "layer-norm", "impala", "gaussian", "dependent", "squashed"]


def spec_of(kind: str, steps: int = 512, **config: Any) -> TrainingSpec:
    """Two updates under attack, in an environment that the policy fits."""
    policy_id = parent(kind).card.id
    if kind == "impala":
        env = EnvironmentSpec(id=pictures.ENV_ID)
        spec = TrainingSpec(env=env, method="atpa", config=PICTURES | {"precision": "fp32"} | config)
    elif parent(kind).card.head == "gaussian":
        env = EnvironmentSpec(id=steering.ENV_ID, kwargs={"shown": 4})
        spec = steering_spec(steps, env=env, method="atpa", **{"epsilon": 0.05, "attack_steps": 1} | config)
    else:
        spec = cartpole_spec(steps, **{"epsilon": 0.01, "attack_steps": 1} | config)
        spec = spec.model_copy(update={"method": "atpa"})
    return spec.model_copy(update={"policy_id": policy_id})


def begun(kind: str, **config: Any) -> tuple[TrainingSpec, Training]:
    spec = spec_of(kind, **config)
    training = build_training(spec, parent=parent(kind))
    start(training)
    return spec, training


def published(kind: str) -> tuple[Training, PublishedPolicy]:
    spec, training = begun(kind)
    list(train(training))
    training.games.environment.close()
    return training, make_policy(training, spec, owner="anna", name="child")


@pytest.mark.usefixtures("steering_id", "pictures_id")
@pytest.mark.parametrize("kind", KINDS)
def test_all_of_a_policy_learns_and_nothing_else_in_it_changes(kind: str) -> None:
    _, training = begun(kind)
    network = training.network
    weights = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    kept = {name: buffer.clone() for name, buffer in network.named_buffers()}
    for record in train(training):
        assert all(map(torch.isfinite, torch.tensor([record.loss, record.entropy, record.gradient_norm])))
    training.games.environment.close()
    assert [name for name, weight in network.named_parameters() if torch.equal(weight, weights[name])] == []
    assert all(torch.equal(buffer, kept[name]) for name, buffer in network.named_buffers())


@pytest.mark.usefixtures("steering_id", "pictures_id")
@pytest.mark.parametrize("kind", KINDS)
def test_the_child_is_published_as_it_was_trained_and_can_be_hardened_again(kind: str) -> None:
    training, policy = published(kind)
    card, like = policy.card, parent(kind).card
    x = observations(parent(kind))
    with torch.no_grad():
        head, value = training.network(training.network.encode(x))
    network = load_network(policy.model)
    torch.testing.assert_close(network(x).head, head, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(network(x).value, value, atol=1e-4, rtol=1e-4)
    assert disagreement(network, policy.model, x.numpy()) < 1e-3
    assert (card.head, card.squash, card.fixed_deviation) == (like.head, like.squash, like.fixed_deviation)
    assert card.lineage is not None
    assert card.lineage.parent == like.id
    assert load(policy.weights).keys() == dict(training.network.named_parameters()).keys()
    grandchild = build_training(spec_of(kind), parent=ImportedPolicy(policy.model, card))
    grandchild.games.environment.close()
    again, value_again = grandchild.network(grandchild.network.encode(x))
    torch.testing.assert_close(again, head, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(value_again, value, atol=1e-4, rtol=1e-4)


@pytest.mark.usefixtures("steering_id")
@pytest.mark.parametrize("kind", ["layer-norm", "gaussian", "squashed"])
def test_the_child_can_be_evaluated_and_uploaded(kind: str) -> None:
    _, policy = published(kind)
    env = spec_of(kind).env
    report = measure(policy.model, policy.card, env, episodes=2)
    assert len(report.cells[0].returns) == 2
    uploaded = imported(policy.model, **({"squash": "tanh"} if kind == "squashed" else {}))
    assert measure(uploaded.model, uploaded.card, env, episodes=2).cells[0].returns == report.cells[0].returns


@pytest.mark.usefixtures("pictures_id")
def test_a_picture_policy_learns_in_half_precision() -> None:
    _, training = begun("impala", precision="bf16")
    records = list(train(training))
    training.games.environment.close()
    assert all(map(torch.isfinite, torch.tensor([[record.loss, record.gradient_norm] for record in records]).flatten()))
    assert all(record.gradient_norm > 0 for record in records)


@pytest.mark.parametrize("method", sorted(METHODS.keys() - {"radial"}))
def test_any_method_but_interval_bounds_trains_any_network(method: str) -> None:
    (record,) = learned(any_method(method, 256), parent("layer-norm"))
    assert all(map(torch.isfinite, torch.tensor([record.loss, record.entropy, record.gradient_norm])))


def test_interval_bounds_refuse_a_network_that_they_do_not_know() -> None:
    with pytest.raises(UnsupportedArchitecture, match=r"GraphNetwork.*Choose another method"):
        build_training(any_method("radial", 256), parent=parent("layer-norm"))


def learned(spec: TrainingSpec, policy: ImportedPolicy) -> list[UpdateRecord]:
    training = build_training(spec, parent=policy)
    assert isinstance(training.network, GraphNetwork)
    start(training)
    return [record for record in train(training) if record.mean_return is not None]


def test_a_policy_of_layer_norms_gets_better_at_balancing() -> None:
    spec = cartpole_spec(8192).model_copy(update={"policy_id": "policy"})
    first, *_, last = learned(spec, parent("layer-norm"))
    assert first.mean_return is not None
    assert last.mean_return is not None
    assert first.mean_return < 40 < 60 < last.mean_return


@pytest.mark.usefixtures("steering_id")
@pytest.mark.parametrize("kind", ["gaussian", "dependent", "squashed"])
def test_a_gaussian_gets_better_at_steering(kind: str) -> None:
    config = {"epsilon": None}
    spec = spec_of(kind, 4096, **config).model_copy(update={"method": "standard"})
    first, *_, last = learned(spec, parent(kind))
    assert first.mean_return is not None
    assert last.mean_return is not None
    assert last.mean_return > first.mean_return / 2


def test_a_resumed_hardening_gives_the_same_numbers() -> None:
    spec, training = begun("layer-norm", steps=1024)
    half = b""
    for record in train(training):
        if record.update == 2:
            half = checkpoint.to_bytes(training, spec)
    resumed = build_training(spec, parent=parent("layer-norm"))
    checkpoint.restore(resumed, half, spec)
    list(train(resumed))
    ends = zip(training.network.parameters(), resumed.network.parameters(), strict=True)
    assert all(torch.equal(left, right) for left, right in ends)
