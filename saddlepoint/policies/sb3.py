"""Stable-Baselines3 zips of PPO and A2C with CNN and MLP policies, read without executing anything of theirs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch, MalformedPolicy, UnsupportedArchitecture
from saddlepoint.policies.architectures import (
    Layer,
    check_nature,
    flattened,
    layer_of,
    layers_of,
    nature_features,
    nature_input,
    perceptron,
    side_after,
    with_heads,
)
from saddlepoint.policies.archives import Archive, check_count
from saddlepoint.policies.builder import GraphBuilder, Live
from saddlepoint.policies.found import Found
from saddlepoint.policies.graph import Graph
from saddlepoint.policies.intake import PIXEL_MAXIMUM, take_in, turned_from_pixels
from saddlepoint.policies.naming import plain
from saddlepoint.policies.pickles import read_torch_file
from saddlepoint.policies.sb3_data import Sb3Data, Space, read_data
from saddlepoint.schemas.policies import PolicyHints

_WEIGHTS = "policy.pth"
_ONNX = "Export its network to ONNX with an output called 'logits' and upload that."
_REFUSED = (
    ("log_std", "a Gaussian policy for continuous actions"),
    ("q_net", "a Q-network (DQN)"),
    ("quantile_net", "a quantile network (QR-DQN)"),
    ("lstm_", "a recurrent policy"),
    ("features_extractor.extractors", "a policy over a dict of observations"),
    ("actor", "an actor for continuous actions (SAC, TD3, DDPG, TQC)"),
    ("critic", "a critic for continuous actions (SAC, TD3, DDPG, TQC)"),
)
"""How the tensors of policies that are none of ours begin, and what they are."""
_CNN_PARTS = ("cnn.0", "cnn.2", "cnn.4", "linear.0")


@dataclass(frozen=True)
class _Extractor:
    """A NatureCNN of SB3."""

    convolutions: list[Layer]
    hidden: Layer


@dataclass(frozen=True)
class _Source:
    """What is known of a policy of SB3: its weights, what its file says in plain text, what the user says."""

    tensors: Mapping[str, Tensor]
    data: Sb3Data
    hints: PolicyHints
    guesses: list[str]


def is_sb3(archive: Archive) -> bool:
    """Whether the zip has the two entries that every SB3 model has."""
    return "data" in archive and _WEIGHTS in archive


def from_sb3(archive: Archive, hints: PolicyHints) -> Found:
    """The policy in an SB3 zip; UnsupportedArchitecture for all but PPO and A2C with discrete actions."""
    check_count(archive)
    data = read_data(archive.read("data"))
    source = _Source(read_torch_file(archive.read(_WEIGHTS)), data, hints, [])
    return replace(_found(source), format="sb3-zip", contents=_contents(archive, data))


def has_sb3_names(tensors: Mapping[str, Tensor]) -> bool:
    """Whether these are the weights of an SB3 actor-critic policy, out of its zip."""
    return "action_net.weight" in tensors


def from_sb3_weights(tensors: Mapping[str, Tensor], hints: PolicyHints) -> Found:
    """The policy of a bare `policy.pth`, which says nothing but its weights."""
    return _found(_Source(tensors, read_data(b"{}"), hints, []))


def _found(source: _Source) -> Found:
    _check_supported(source.tensors, source.data)
    if any("features_extractor." in name for name in source.tensors):
        architecture, graph = "nature-cnn", _cnn(source)
    else:
        architecture, graph = "mlp", _mlp(source)
    space = source.data.observation
    return Found(
        graph,
        "torch-state-dict",
        architecture,
        [f"{len(source.tensors)} tensors: read"],
        source.guesses,
        observation_space=_stated(space),
        bounds=(space.low, space.high),
    )


def _check_supported(tensors: Mapping[str, Tensor], data: Sb3Data) -> None:
    for prefix, meaning in _REFUSED:
        if any(name.startswith(prefix) for name in tensors):
            raise UnsupportedArchitecture(
                f"SB3 zips may hold PPO and A2C policies for discrete actions; this is {meaning}. {_ONNX}"
            )
    if data.action.kind not in (None, "Discrete"):
        raise UnsupportedArchitecture(
            f"A policy must choose among Discrete actions; this one has a {data.action.kind} space. {_ONNX}"
        )
    if data.observation.kind not in (None, "Box"):
        raise UnsupportedArchitecture(
            f"Observations must be a Box, since an attack moves numbers; this policy takes a {data.observation.kind} "
            "space. Train on an environment with numeric observations."
        )
    missing = [name for name in ("action_net.weight", "value_net.weight") if name not in tensors]
    if missing:
        # Such as ARS, whose only network scores actions that are never sampled.
        raise UnsupportedArchitecture(
            f"The weights of an SB3 actor-critic policy have an entry {missing[0]!r}; these have not. {_ONNX}"
        )
    actions = tensors["action_net.weight"].shape[0]
    if data.action.n not in (None, actions):
        raise ArchitectureMismatch(
            f"The action layer must have one output per action; the file says {data.action.n} actions and its weights "
            f"give {actions}. Save the model again."
        )


def _cnn(source: _Source) -> Graph:
    actor, critic = _extractors(source.tensors, source.data)
    shape = _picture_shape(actor, source)
    turned = turned_from_pixels(source.hints.layout, shape, source.guesses)
    intake = take_in(shape, source.hints, scale=_picture_scale(source), turned=turned)
    features = nature_features(intake.build, intake.x, actor.convolutions, actor.hidden)
    if critic is actor:
        return _headed(source, intake.build, features, features)
    return _headed(
        source, intake.build, features, nature_features(intake.build, intake.x, critic.convolutions, critic.hidden)
    )


def _extractors(tensors: Mapping[str, Tensor], data: Sb3Data) -> tuple[_Extractor, _Extractor]:
    """The extractors of actor and critic, one and the same where their weights are (SB3 saves shared ones thrice)."""
    prefixes = [
        prefix
        for prefix in ("pi_features_extractor", "vf_features_extractor", "features_extractor")
        if any(name.startswith(f"{prefix}.") for name in tensors)
    ]
    known = {f"{prefix}.{part}.{kind}" for prefix in prefixes for part in _CNN_PARTS for kind in ("weight", "bias")}
    found = {name for name in tensors if "features_extractor." in name}
    if not found <= known or data.features_extractor not in (None, "NatureCNN"):
        raise UnsupportedArchitecture(
            f"The features extractor of an SB3 policy must be SB3's own NatureCNN; this one is another. {_ONNX}"
        )
    by_prefix = {prefix: _extractor(tensors, prefix) for prefix in prefixes}
    default = by_prefix.get("features_extractor")
    actor = by_prefix.get("pi_features_extractor", default)
    critic = by_prefix.get("vf_features_extractor", default)
    if actor is None or critic is None:
        raise MalformedPolicy("An SB3 policy has features for actor and critic; here one is missing. Save it again.")
    return actor, actor if _same(actor, critic) else critic


def _extractor(tensors: Mapping[str, Tensor], prefix: str) -> _Extractor:
    convolutions = [layer_of(tensors, f"{prefix}.{part}") for part in _CNN_PARTS[:3]]
    check_nature(convolutions)
    return _Extractor(convolutions, layer_of(tensors, f"{prefix}.{_CNN_PARTS[3]}"))


def _same(one: _Extractor, other: _Extractor) -> bool:
    pairs = zip((*one.convolutions, one.hidden), (*other.convolutions, other.hidden), strict=True)
    return all(_same_tensor(a.weight, b.weight) and _same_tensor(a.bias, b.bias) for a, b in pairs)


def _same_tensor(one: Tensor | None, other: Tensor | None) -> bool:
    return one is other or (one is not None and other is not None and torch.equal(one, other))


def _picture_shape(extractor: _Extractor, source: _Source) -> tuple[int, ...]:
    """(channels, rows, columns): as the file says, in either order of axes, if the weights agree, else from them."""
    channels, maps = extractor.convolutions[0].weight.shape[1], extractor.convolutions[-1].weight.shape[0]
    said = source.data.observation.shape
    if said is not None and len(said) == 3:
        for shape in (said, (said[2], *said[:2])):
            features = maps * side_after(shape[1]) * side_after(shape[2])
            if shape[0] == channels and features == extractor.hidden.weight.shape[-1]:
                return shape
    shape = nature_input(extractor.convolutions, extractor.hidden)
    source.guesses.append(f"pictures of {shape[1]}x{shape[2]} pixels, from the size of the hidden layer")
    return shape


def _picture_scale(source: _Source) -> float | None:
    is_image = source.data.observation.is_image
    if source.hints.pixel_scale is not None:
        return source.hints.pixel_scale
    if not source.data.normalize_images or is_image is False:
        return None
    if is_image is None:
        source.guesses.append("pixels divided by 255, as SB3 does by default")
    return PIXEL_MAXIMUM


def _mlp(source: _Source) -> Graph:
    inputs = _inputs(source.tensors)
    said = source.data.observation.shape
    shape = said if said and prod(said) == inputs else (inputs,)
    if said and prod(said) != inputs:
        said_otherwise = f"not {list(said)} as the file says"
        source.guesses.append(f"observations of {inputs} numbers, as the weights take, {said_otherwise}")
    is_scaled = source.data.normalize_images and source.data.observation.is_image and len(shape) == 3
    scale = source.hints.pixel_scale or (PIXEL_MAXIMUM if is_scaled else None)
    intake = take_in(shape, source.hints, scale=scale, turned=None)
    features = flattened(intake.build, intake.x)
    return _headed(source, intake.build, features, features)


def _inputs(tensors: Mapping[str, Tensor]) -> int:
    """How many numbers the first layer of the policy takes."""
    names = ("mlp_extractor.shared_net.0", "mlp_extractor.policy_net.0", "action_net")
    return next(tensors[f"{name}.weight"].shape[-1] for name in names if f"{name}.weight" in tensors)


def _headed(source: _Source, build: GraphBuilder, actor: Live, critic: Live) -> Graph:
    """The layers after the features: SB3's MlpExtractor (with the shared part of old versions), then the heads."""
    tensors = source.tensors
    shared = layers_of(tensors, "mlp_extractor.shared_net")
    policy = layers_of(tensors, "mlp_extractor.policy_net")
    value = layers_of(tensors, "mlp_extractor.value_net")
    activation = _activation(source, is_used=bool(shared or policy or value))
    common = perceptron(build, actor, shared, activation)
    common_value = common if critic is actor else perceptron(build, critic, shared, activation)
    return with_heads(
        build,
        perceptron(build, common, policy, activation),
        perceptron(build, common_value, value, activation),
        layer_of(tensors, "action_net"),
        layer_of(tensors, "value_net"),
    )


def _activation(source: _Source, *, is_used: bool) -> str:
    data = source.data
    if source.hints.activation is not None:
        return {"relu": "Relu", "tanh": "Tanh"}[source.hints.activation]
    if is_used and data.unknown_activation:
        raise UnsupportedArchitecture(
            f"The activation of an SB3 policy must be one of PyTorch's usual ones; this is another. {_ONNX}"
        )
    if is_used and data.activation is None and not data.has_settings:
        source.guesses.append("tanh after every hidden layer, SB3's default")
    return data.activation or "Tanh"


def _contents(archive: Archive, data: Sb3Data) -> list[str]:
    lines = [
        f"data: plain text read; {data.dropped} pickled objects dropped unread",
        f"{_WEIGHTS}: tensors read",
    ]
    if data.policy_class is not None:
        lines.append(f"policy class, as the file says: {data.policy_class}")
    return lines + [f"{plain(name)}: ignored" for name in archive.names if name not in ("data", _WEIGHTS)]


def _stated(space: Space) -> dict[str, object] | None:
    if space.kind is None:
        return None
    shape = None if space.shape is None else list(space.shape)
    return {"kind": space.kind, "shape": shape, "dtype": space.dtype, "low": space.low, "high": space.high}
