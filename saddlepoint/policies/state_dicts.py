"""Recognises the networks of plain weights by the names of their tensors."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch, UnsupportedArchitecture
from saddlepoint.policies.architectures import Layer, layer_of, layers_of, linear, perceptron, with_value
from saddlepoint.policies.builder import GraphBuilder, Live
from saddlepoint.policies.cleanrl import from_cleanrl
from saddlepoint.policies.found import Found
from saddlepoint.policies.gaussians import fixed_log_std
from saddlepoint.policies.graph import Graph
from saddlepoint.policies.intake import take_in
from saddlepoint.policies.named_weights import RECURRENT_WAY_OUT, WAY_OUT, Weights, shown
from saddlepoint.policies.research_actors import from_research
from saddlepoint.policies.torch_lstm import TENSORS, lstm
from saddlepoint.schemas.policies import PolicyHints


@dataclass(frozen=True)
class _Nature:
    """Where a Nature CNN keeps its layers."""

    convolutions: tuple[str, str, str]
    hidden: str
    policy: str
    value: str
    memory: str | None = None
    """An LSTM between the hidden layer and these two, if there is one."""


@dataclass(frozen=True)
class _Perceptrons:
    """Where separate multilayer perceptrons of actor and critic keep their layers."""

    policy: tuple[str, ...]
    value: tuple[str, ...]


_RECURRENT = re.compile(r"\.(weight|bias)_[ih]h")
"""The tensors of torch's LSTM and GRU."""
_NATURES = (
    _Nature(("conv1", "conv2", "conv3"), "hidden", "policy", "value"),
    _Nature(("network.0", "network.2", "network.4"), "network.7", "actor", "critic", "lstm"),
)
"""Our own names, and CleanRL's (cleanrl/ppo_atari.py and ppo_atari_lstm.py)."""
_PERCEPTRONS = (
    _Perceptrons(
        ("policy.hidden1", "policy.hidden2", "policy.output"), ("value.hidden1", "value.hidden2", "value.output")
    ),
)
_SEQUENTIALS = (("policy_net", "value_net"), ("actor", "critic"))
"""A torch Sequential each; the second pair is CleanRL's (cleanrl/ppo.py)."""
_LOG_STD = "log_std"
"""Beside our own layers: (D,), which makes the outputs of the policy the means of a Gaussian."""


def from_state_dict(tensors: Mapping[str, Tensor], hints: PolicyHints, *, file_format: str) -> Found:
    """The policy that these weights are; UnsupportedArchitecture where their names are not known."""
    weights = Weights(tensors, hints, [])
    nature = next((names for names in _NATURES if _is_nature(tensors, names)), None)
    known = set() if nature is None else _of_memory(tensors, nature)
    if any(_RECURRENT.search(name) for name in tensors.keys() - known):
        raise UnsupportedArchitecture(
            "Plain weights must be those of a network without memory, since they do not say where a state goes, or of "
            f"CleanRL's ppo_atari_lstm.py; these have recurrent layers. {RECURRENT_WAY_OUT}"
        )
    found = from_cleanrl(weights, file_format) or from_research(weights, file_format)
    if found is not None:
        return found
    if nature is not None:
        return _nature(weights, nature, file_format)
    return _perceptrons(weights, _perceptron_layers(weights), file_format)


def _is_nature(tensors: Mapping[str, Tensor], names: _Nature) -> bool:
    first = tensors.get(f"{names.convolutions[0]}.weight")
    return first is not None and first.ndim == 4


def _of_memory(tensors: Mapping[str, Tensor], names: _Nature) -> set[str]:
    """The tensors of the LSTM."""
    return {name for name in tensors if names.memory and re.fullmatch(rf"{names.memory}\.{TENSORS}", name)}


def _nature(weights: Weights, names: _Nature, file_format: str) -> Found:
    tensors = weights.tensors
    remembered = _of_memory(tensors, names)
    weights.check_all_known((*names.convolutions, names.hidden, names.policy, names.value), [_LOG_STD, *remembered])
    build, features = weights.nature(names.convolutions, names.hidden)
    following: list[Live] = []
    if names.memory and remembered:
        features, following = lstm(build, features, tensors, names.memory)
    value = layer_of(tensors, names.value) if f"{names.value}.weight" in tensors else None
    head = _head(weights, build, linear(build, features, layer_of(tensors, names.policy)))
    graph = with_value(build, features, value, next_states=following, **head)
    return _found(weights, graph, file_format, "nature-cnn")


def _perceptron_layers(weights: Weights) -> tuple[list[Layer], list[Layer]]:
    tensors = weights.tensors
    for names in _PERCEPTRONS:
        if all(f"{name}.weight" in tensors for name in names.policy):
            weights.check_all_known((*names.policy, *names.value), [_LOG_STD])
            return _named(tensors, names.policy), _named(tensors, names.value)
    for policy, value in _SEQUENTIALS:
        if f"{policy}.0.weight" in tensors:
            found = layers_of(tensors, policy), layers_of(tensors, value)
            counts = [range(0, 2 * len(layers), 2) for layers in found]
            used = [f"{name}.{at}" for name, count in zip((policy, value), counts, strict=True) for at in count]
            weights.check_all_known(used)
            return found
    raise UnsupportedArchitecture(
        "Plain weights must be a Nature CNN or a multilayer perceptron under names we know (such as conv1, network.0, "
        f"actor.0, actor_mean.0 or fc_mu); these begin with {shown(list(tensors))}. {WAY_OUT}"
    )


def _named(tensors: Mapping[str, Tensor], names: Sequence[str]) -> list[Layer]:
    return [layer_of(tensors, name) for name in names if f"{name}.weight" in tensors]


def _perceptrons(weights: Weights, found: tuple[list[Layer], list[Layer]], file_format: str) -> Found:
    policy, value = found
    inputs = policy[0].weight.shape[-1]
    if value and value[0].weight.shape[-1] != inputs:
        raise ArchitectureMismatch(
            f"Actor and critic must take the same observation; one takes {inputs} numbers, the other "
            f"{value[0].weight.shape[-1]}. {WAY_OUT}"
        )
    activation = weights.activation("tanh")
    intake = take_in((inputs,), weights.hints, scale=weights.hints.pixel_scale, turned=None)
    build = intake.build
    outputs = linear(build, perceptron(build, intake.x, policy[:-1], activation), policy[-1])
    critic = perceptron(build, intake.x, value[:-1], activation)
    graph = with_value(build, critic, value[-1] if value else None, next_states=(), **_head(weights, build, outputs))
    return _found(weights, graph, file_format, "mlp")


def _head(weights: Weights, build: GraphBuilder, outputs: Live) -> dict[str, Live]:
    if _LOG_STD not in weights.tensors:
        return {"logits": outputs}
    return {"mean": outputs, "log_std": fixed_log_std(build, outputs, weights.tensors[_LOG_STD])}


def _found(weights: Weights, graph: Graph, file_format: str, architecture: str) -> Found:
    return Found(
        graph,
        file_format,
        architecture,
        [weights.counted()],
        weights.guesses,
        squash=(weights.hints.squash or "none") if graph.head == "gaussian" else "none",
        fixed_deviation=graph.head == "gaussian",
    )
