"""The features of Stable-Baselines3's policies: a NatureCNN on pictures, or the observation itself, flat."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch, MalformedPolicy, UnsupportedArchitecture
from saddlepoint.policies.architectures import (
    Layer,
    check_nature,
    flattened,
    layer_of,
    nature_features,
    nature_input,
    side_after,
    tensor_of,
)
from saddlepoint.policies.builder import GraphBuilder, Live
from saddlepoint.policies.intake import PIXEL_MAXIMUM, take_in, turned_from_pixels
from saddlepoint.policies.sb3_source import WAY_OUT, Source

_CNN_PARTS = ("cnn.0", "cnn.2", "cnn.4", "linear.0")


@dataclass(frozen=True)
class Features:
    """A graph as far as the features of the actor and of the critic, one and the same where they share them."""

    build: GraphBuilder
    actor: Live
    critic: Live


@dataclass(frozen=True)
class _Extractor:
    """A NatureCNN of SB3."""

    convolutions: list[Layer]
    hidden: Layer


def has_pictures(source: Source) -> bool:
    """Whether a features extractor with weights stands before the policy."""
    return any("features_extractor." in name for name in source.tensors)


def features_of(source: Source, actor: Sequence[str], critic: Sequence[str], first: Sequence[str]) -> Features:
    """The features, from the extractors that stand under the first of these names that there is.

    `first` are tensors (..., in) of the layers of which one takes the features: without an extractor they tell the size
    of the observation.
    """
    stated = source.data.features_extractor
    if stated not in (None, "NatureCNN", "FlattenExtractor") or source.data.unknown_extractor:
        raise _other_extractor()
    if has_pictures(source):
        return _cnn(source, actor, critic)
    return _flat(source, first)


def _other_extractor() -> UnsupportedArchitecture:
    return UnsupportedArchitecture(
        "The features extractor of an SB3 policy must be SB3's own FlattenExtractor or NatureCNN; this one is another. "
        f"{WAY_OUT}"
    )


def check_extractor_names(names: Sequence[str]) -> None:
    """Raise UnsupportedArchitecture if a tensor among these belongs to an extractor that is no NatureCNN."""
    parts = [name.partition("features_extractor.")[2] for name in names if "features_extractor." in name]
    if any(part.rpartition(".")[0] not in _CNN_PARTS for part in parts):
        raise _other_extractor()


def _cnn(source: Source, actor: Sequence[str], critic: Sequence[str]) -> Features:
    mine, other = _extractor(source, actor), _extractor(source, critic)
    shape = _picture_shape(mine, source)
    layout = source.hints.layout
    # SB3 turns bytes alone, so what is none stands in the file as the environment gives it.
    is_given = layout is None and source.data.observation.is_image is False
    turned = None if is_given else turned_from_pixels(layout, shape, source.guesses)
    intake = take_in(shape, source.hints, scale=_picture_scale(source), turned=turned)
    features = nature_features(intake.build, intake.x, mine.convolutions, mine.hidden)
    if _same(mine, other):
        return Features(intake.build, features, features)
    return Features(intake.build, features, nature_features(intake.build, intake.x, other.convolutions, other.hidden))


def _extractor(source: Source, prefixes: Sequence[str]) -> _Extractor:
    tensors = source.tensors
    prefix = next((item for item in prefixes if f"{item}.{_CNN_PARTS[0]}.weight" in tensors), None)
    if prefix is None:
        raise MalformedPolicy("An SB3 policy has features for actor and critic; here one is missing. Save it again.")
    convolutions = [layer_of(tensors, f"{prefix}.{part}") for part in _CNN_PARTS[:3]]
    check_nature(convolutions)
    return _Extractor(convolutions, layer_of(tensors, f"{prefix}.{_CNN_PARTS[3]}"))


def _same(one: _Extractor, other: _Extractor) -> bool:
    """SB3 saves shared extractors under every name that they have."""
    pairs = zip((*one.convolutions, one.hidden), (*other.convolutions, other.hidden), strict=True)
    return all(_same_tensor(a.weight, b.weight) and _same_tensor(a.bias, b.bias) for a, b in pairs)


def _same_tensor(one: Tensor | None, other: Tensor | None) -> bool:
    return one is other or (one is not None and other is not None and torch.equal(one, other))


def _picture_shape(extractor: _Extractor, source: Source) -> tuple[int, ...]:
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


def _picture_scale(source: Source) -> float | None:
    is_image = source.data.observation.is_image
    if source.hints.pixel_scale is not None:
        return source.hints.pixel_scale
    if not source.data.normalize_images or is_image is False:
        return None
    if is_image is None:
        source.guesses.append("pixels divided by 255, as SB3 does by default")
    return PIXEL_MAXIMUM


def _flat(source: Source, first: Sequence[str]) -> Features:
    shape = _flat_shape(source, first)
    is_image = len(shape) == 3 and source.data.observation.is_image
    scale = source.hints.pixel_scale or (PIXEL_MAXIMUM if is_image and source.data.normalize_images else None)
    # SB3 turns colour pictures of any size for perceptrons too, and the file states them as turned.
    turned = turned_from_pixels(source.hints.layout, shape, source.guesses) if is_image else None
    intake = take_in(shape, source.hints, scale=scale, turned=turned)
    features = flattened(intake.build, intake.x)
    return Features(intake.build, features, features)


def _flat_shape(source: Source, first: Sequence[str]) -> tuple[int, ...]:
    """As the file says, if the first layer takes so many numbers, else flat."""
    weight = tensor_of(source.tensors, next((name for name in first if name in source.tensors), first[-1]))
    if weight.ndim not in (1, 2):
        raise ArchitectureMismatch(
            f"The weights of a linear layer have the shape (out, in); these have {list(weight.shape)}. "
            "Save the policy again."
        )
    inputs = weight.shape[-1]
    said = source.data.observation.shape
    if said is None or prod(said) == inputs:
        return said or (inputs,)
    source.guesses.append(f"observations of {inputs} numbers, as the weights take, not {list(said)} as the file says")
    return (inputs,)
