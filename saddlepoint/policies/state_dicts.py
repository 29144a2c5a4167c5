"""Recognises the networks of plain weights by the names of their tensors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch, UnsupportedArchitecture
from saddlepoint.policies.architectures import (
    Layer,
    check_nature,
    layer_of,
    layers_of,
    linear,
    nature_features,
    nature_input,
    perceptron,
    with_value,
)
from saddlepoint.policies.found import Found
from saddlepoint.policies.intake import PIXEL_MAXIMUM, take_in, turned_from_pixels
from saddlepoint.policies.naming import plain
from saddlepoint.schemas.policies import PolicyHints

_WRAPPERS = ("module.", "_orig_mod.")
"""Put before every name by DataParallel and by torch.compile."""
_WAY_OUT = "Export the network to ONNX with an output called 'logits', which any architecture can do."


@dataclass(frozen=True)
class _Nature:
    """Where a Nature CNN keeps its layers."""

    convolutions: tuple[str, str, str]
    hidden: str
    policy: str
    value: str


@dataclass(frozen=True)
class _Perceptrons:
    """Where separate multilayer perceptrons of actor and critic keep their layers."""

    policy: tuple[str, ...]
    value: tuple[str, ...]


_NATURES = (
    _Nature(("conv1", "conv2", "conv3"), "hidden", "policy", "value"),
    _Nature(("network.0", "network.2", "network.4"), "network.7", "actor", "critic"),
)
"""Our own names, and CleanRL's (cleanrl/ppo_atari.py)."""
_PERCEPTRONS = (
    _Perceptrons(
        ("policy.hidden1", "policy.hidden2", "policy.output"), ("value.hidden1", "value.hidden2", "value.output")
    ),
)
_SEQUENTIALS = (("policy_net", "value_net"), ("actor", "critic"))
"""A torch Sequential each; the second pair is CleanRL's (cleanrl/ppo.py)."""


def from_state_dict(tensors: Mapping[str, Tensor], hints: PolicyHints, *, file_format: str) -> Found:
    """The policy that these weights are; UnsupportedArchitecture where their names are not known."""
    tensors = _without_wrappers(tensors)
    nature = next((names for names in _NATURES if f"{names.convolutions[0]}.weight" in tensors), None)
    if nature is not None and tensors[f"{nature.convolutions[0]}.weight"].ndim == 4:
        return _nature(tensors, nature, hints, file_format)
    return _perceptrons(tensors, _perceptron_layers(tensors), hints, file_format)


def _without_wrappers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for prefix in _WRAPPERS:
        if tensors and all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return dict(tensors)


def _nature(tensors: Mapping[str, Tensor], names: _Nature, hints: PolicyHints, file_format: str) -> Found:
    used = (*names.convolutions, names.hidden, names.policy, names.value)
    _check_all_known(tensors, used)
    convolutions = [layer_of(tensors, name) for name in names.convolutions]
    check_nature(convolutions)
    hidden = layer_of(tensors, names.hidden)
    value = layer_of(tensors, names.value) if f"{names.value}.weight" in tensors else None
    shape = nature_input(convolutions, hidden)
    guesses = [f"pictures of {shape[1]}x{shape[2]} pixels, from the size of the hidden layer"]
    turned = turned_from_pixels(hints.layout, shape, guesses)
    intake = take_in(shape, hints, scale=hints.pixel_scale or PIXEL_MAXIMUM, turned=turned)
    if hints.pixel_scale is None:
        guesses.append("pixels divided by 255, as the networks of these names do")
    features = nature_features(intake.build, intake.x, convolutions, hidden)
    logits = linear(intake.build, features, layer_of(tensors, names.policy))
    graph = with_value(intake.build, features, value, logits=logits)
    return Found(graph, file_format, "nature-cnn", [_counted(tensors)], guesses)


def _perceptron_layers(tensors: Mapping[str, Tensor]) -> tuple[list[Layer], list[Layer]]:
    for names in _PERCEPTRONS:
        if all(f"{name}.weight" in tensors for name in names.policy):
            _check_all_known(tensors, (*names.policy, *names.value))
            return _named(tensors, names.policy), _named(tensors, names.value)
    for policy, value in _SEQUENTIALS:
        if f"{policy}.0.weight" in tensors:
            found = layers_of(tensors, policy), layers_of(tensors, value)
            counts = [range(0, 2 * len(layers), 2) for layers in found]
            used = [f"{name}.{at}" for name, count in zip((policy, value), counts, strict=True) for at in count]
            _check_all_known(tensors, used)
            return found
    raise UnsupportedArchitecture(
        "Plain weights must be a Nature CNN or a multilayer perceptron under names we know (such as conv1, network.0 "
        f"or actor.0); these begin with {_shown(tensors)}. {_WAY_OUT}"
    )


def _named(tensors: Mapping[str, Tensor], names: Sequence[str]) -> list[Layer]:
    return [layer_of(tensors, name) for name in names if f"{name}.weight" in tensors]


def _perceptrons(
    tensors: Mapping[str, Tensor], found: tuple[list[Layer], list[Layer]], hints: PolicyHints, file_format: str
) -> Found:
    policy, value = found
    inputs = policy[0].weight.shape[-1]
    if value and value[0].weight.shape[-1] != inputs:
        raise ArchitectureMismatch(
            f"Actor and critic must take the same observation; one takes {inputs} numbers, the other "
            f"{value[0].weight.shape[-1]}. {_WAY_OUT}"
        )
    guesses = []
    if hints.activation is None:
        guesses.append("tanh after every hidden layer, as the networks of these names have")
    activation = {"relu": "Relu", "tanh": "Tanh", None: "Tanh"}[hints.activation]
    intake = take_in((inputs,), hints, scale=hints.pixel_scale, turned=None)
    actor = perceptron(intake.build, intake.x, policy[:-1], activation)
    critic = perceptron(intake.build, intake.x, value[:-1], activation) if value else actor
    logits = linear(intake.build, actor, policy[-1])
    graph = with_value(intake.build, critic, value[-1] if value else None, logits=logits)
    return Found(graph, file_format, "mlp", [_counted(tensors)], guesses)


def _check_all_known(tensors: Mapping[str, Tensor], layers: Sequence[str]) -> None:
    """A tensor that no known layer uses would change what the network computes."""
    known = {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
    unknown = {name: tensor for name, tensor in tensors.items() if name not in known}
    if unknown:
        raise ArchitectureMismatch(
            f"Every tensor must belong to a layer of the network; {_shown(unknown)} does not. {_WAY_OUT}"
        )


def _counted(tensors: Mapping[str, Tensor]) -> str:
    return f"{len(tensors)} tensors: read"


def _shown(tensors: Mapping[str, Tensor]) -> str:
    """The first names, in characters that are safe to repeat."""
    return ", ".join(repr(plain(name)) for name in list(tensors)[:4]) or "no tensor at all"
