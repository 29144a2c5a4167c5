"""Going on from a checkpoint is the same as not having stopped."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.trainings import TrainingSpec
from tests.trainer.cartpole import any_method, cartpole_spec
from tests.trainer.steering import steering_spec
from trainer import checkpoint
from trainer.build import build_training
from trainer.curve import UpdateRecord
from trainer.methods import METHODS
from trainer.ppo import train
from trainer.training import Training


def timeless(record: UpdateRecord) -> dict[str, Any]:
    return {name: value for name, value in asdict(record).items() if name != "steps_per_second"}


def started(spec: TrainingSpec) -> Training:
    training = build_training(spec)
    training.games.start()
    return training


ATARI = TrainingSpec(
    env=EnvironmentSpec(id="ALE/Breakout-v5"),
    config={"steps": 4 * 64, "actors": 4, "horizon": 16, "minibatch": 32, "precision": "fp32"},
    seed=5,
)


PENDULUM = steering_spec(4 * 256, env="Pendulum-v1", method="atpa", epsilon=0.05, attack_steps=2)
SPECS = {method: any_method(method, 6 * 256) for method in METHODS} | {
    "sticky-breakout": ATARI,
    "pendulum": PENDULUM,
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_resumed_training_gives_the_same_numbers(spec: TrainingSpec) -> None:
    training = started(spec)
    expected, half = [], b""
    for record in train(training):
        if record.update == training.config.updates // 2:
            half = checkpoint.to_bytes(training, spec)
        if record.update > training.config.updates // 2:
            expected.append(timeless(record))
    resumed = build_training(spec)
    checkpoint.restore(resumed, half, spec)
    assert [timeless(record) for record in train(resumed)] == expected
    ends = zip(training.network.parameters(), resumed.network.parameters(), strict=True)
    assert all(torch.equal(left, right) for left, right in ends)
    assert np.array_equal(training.games.observations, resumed.games.observations)


def test_actions_of_numbers_come_back_bit_for_bit() -> None:
    games = started(PENDULUM).games
    sent = np.random.default_rng(0).normal(0, 3, (5, 8, 1)).astype(np.float32)
    for actions in sent:
        games.step(actions)
    kept = games.state().actions
    assert {played.dtype for played in kept} == {np.dtype(np.float32)}
    assert all(np.array_equal(played, sent[:, lane]) for lane, played in enumerate(kept))
    restored = build_training(PENDULUM).games
    restored.restore(games.state())
    assert np.array_equal(restored.observations, games.observations)
    assert all(map(np.array_equal, restored.state().actions, kept))


def test_a_checkpoint_from_when_the_hidden_layer_was_flat_goes_on() -> None:
    training = started(ATARI)
    next(train(training))
    kept = checkpoint.to_bytes(training, ATARI)
    number = [name for name, _ in training.network.named_parameters()].index("hidden.weight")
    of_hidden = ("network.hidden.weight", f"adam.{number}.exp_avg", f"adam.{number}.exp_avg_sq")
    tensors = load(kept)
    earlier = {name: value.flatten(1) if name in of_hidden else value for name, value in tensors.items()}
    assert [earlier[name].shape for name in of_hidden] == [(512, 3136)] * 3
    resumed = build_training(ATARI)
    checkpoint.restore(resumed, save(earlier, {"training": json.dumps(checkpoint._record(kept))}), ATARI)
    assert timeless(next(train(resumed))) == timeless(next(train(training)))


def test_a_checkpoint_of_another_specification_is_refused() -> None:
    spec, other = cartpole_spec(256), cartpole_spec(512)
    saved = checkpoint.to_bytes(started(spec), spec)
    with pytest.raises(InvalidSpec, match="another one"):
        checkpoint.restore(build_training(other), saved, other)


def test_games_that_were_counted_together_are_gone_on_from() -> None:
    """As checkpoints had them before lanes counted their own: new games get numbers that no game has had."""
    spec = cartpole_spec(512)
    training = started(spec)
    next(train(training))
    saved = checkpoint.to_bytes(training, spec)
    tensors, record = load(saved), checkpoint._record(saved)
    begun = sum(record["games"]["started"])
    record["games"]["started"] = begun
    resumed = build_training(spec)
    checkpoint.restore(resumed, save(tensors, {"training": json.dumps(record)}), spec)
    assert np.array_equal(resumed.games.observations, training.games.observations)
    assert resumed.games.state().started == [begun] * 8
    assert next(train(resumed)).update == 2


def test_a_checkpoint_says_what_it_is_of() -> None:
    spec = cartpole_spec(256)
    assert checkpoint.read_spec(checkpoint.to_bytes(started(spec), spec)) == spec


def test_the_policy_alone_can_be_taken() -> None:
    spec = cartpole_spec(256)
    training, other = started(spec), build_training(spec.model_copy(update={"seed": 1}))
    list(train(training))
    checkpoint.restore_policy(other, checkpoint.to_bytes(training, spec))
    pairs = zip(training.network.parameters(), other.network.parameters(), strict=True)
    assert all(torch.equal(left, right) for left, right in pairs)
    assert other.update == 1
