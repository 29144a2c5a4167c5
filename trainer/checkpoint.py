"""A training as bytes and back: safetensors, so that reading one executes nothing.

A checkpoint holds the weights, Adam's moments, the generator's state, the update (from which the schedules follow) and
each lane's game seed with the actions since. Resuming on the same machine gives the same numbers as not stopping.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.trainings import TrainingSpec
from trainer.games import GamesState
from trainer.training import Training

FORMAT = "saddlepoint-training-1"
_RECORD = "training"
_NETWORK = "network."
_AVERAGES = ("exp_avg", "exp_avg_sq")


def to_bytes(training: Training, spec: TrainingSpec) -> bytes:
    """The whole state between two updates, that of all processes, each of which has to ask."""
    games = asdict(training.games.state())
    actions = games.pop("actions")
    tensors = _weights(training)
    for index, moments in training.optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{name}": moments[name] for name in ("step", *_AVERAGES)}
    tensors |= {f"games.{lane}": torch.from_numpy(played) for lane, played in enumerate(actions)}
    tensors["generator"] = training.generator.get_state()
    return _save(tensors, spec, update=training.update, games=games)


def policy_to_bytes(training: Training, spec: TrainingSpec) -> bytes:
    """Only what `restore_policy` takes; equal weights after equally many updates give equal bytes."""
    return _save(_weights(training), spec, update=training.update)


def read_spec(checkpoint: bytes) -> TrainingSpec:
    """What the checkpoint's training was asked to do."""
    return TrainingSpec.model_validate(_record(checkpoint)["spec"])


def read_update(checkpoint: bytes) -> int:
    """How many updates the checkpoint's training had done."""
    return int(_record(checkpoint)["update"])


def restore(training: Training, checkpoint: bytes, spec: TrainingSpec) -> None:
    """Bring a freshly built training to where the checkpoint was taken.

    Raises InvalidSpec if the checkpoint belongs to another specification: its schedules would not go on.
    """
    record = _record(checkpoint)
    if TrainingSpec.model_validate(record["spec"]) != spec:
        raise InvalidSpec(
            "A training goes on from a checkpoint of its own specification; this checkpoint has another one. "
            "Choose another output folder or give the same options."
        )
    tensors = load(checkpoint)
    _load_network(training, tensors)
    _load_moments(training, tensors)
    training.generator.set_state(tensors["generator"])
    training.update = record["update"]
    actions = [tensors[f"games.{lane}"].numpy() for lane in range(training.config.actors)]
    games = record["games"]
    if isinstance(games["started"], int):  # once counted over all lanes; no lane has begun more games
        games["started"] = [games["started"]] * training.config.actors
    training.games.restore(GamesState(actions=actions, **games))


def restore_policy(training: Training, checkpoint: bytes) -> None:
    """Take only what a policy needs: the weights, and how far they were trained."""
    _load_network(training, load(checkpoint))
    training.update = _record(checkpoint)["update"]


def _weights(training: Training) -> dict[str, Tensor]:
    return {f"{_NETWORK}{name}": value for name, value in training.network.state_dict().items()}


def _save(tensors: Mapping[str, Tensor], spec: TrainingSpec, **numbers: Any) -> bytes:
    record = {"format": FORMAT, "spec": spec.model_dump(mode="json")} | numbers
    # safetensors stores what it is given in memory order, so channels-last weights are brought into index order.
    return save({name: value.contiguous() for name, value in tensors.items()}, {_RECORD: json.dumps(record)})


def _load_network(training: Training, tensors: Mapping[str, Tensor]) -> None:
    """Weights take the shape of the network's own: that of `hidden` was flat in earlier checkpoints."""
    own = training.network.state_dict()
    weights = {name.removeprefix(_NETWORK): value for name, value in tensors.items() if name.startswith(_NETWORK)}
    training.network.load_state_dict({name: value.reshape(own[name].shape) for name, value in weights.items()})


def _load_moments(training: Training, tensors: Mapping[str, Tensor]) -> None:
    state = training.optimizer.state_dict()
    state["state"] = {
        index: {
            "step": tensors[f"adam.{index}.step"],
            **{name: _laid_out(tensors[f"adam.{index}.{name}"], weight) for name in _AVERAGES},
        }
        for index, weight in enumerate(training.network.parameters())
        if f"adam.{index}.step" in tensors
    }
    training.optimizer.load_state_dict(state)


def _laid_out(average: Tensor, weight: Tensor) -> Tensor:
    """As the weight is: in its shape, and in its order in memory, in which a fused step pairs the two."""
    return torch.empty_like(weight).copy_(average.reshape(weight.shape))


def _record(checkpoint: bytes) -> dict[str, Any]:
    """The JSON in the header, whose length is in the first eight bytes."""
    length = int.from_bytes(checkpoint[:8], "little")
    header = json.loads(checkpoint[8 : 8 + length])
    record: dict[str, Any] = json.loads(header["__metadata__"][_RECORD])
    return record
