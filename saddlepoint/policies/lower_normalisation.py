"""Normalisation of each row by itself, over a channel or a group of them, as ONNX's functions spell it."""

from collections.abc import Callable, Mapping
from math import prod

import torch
from torch import Tensor

from saddlepoint.errors import MalformedPolicy
from saddlepoint.policies.builder import GraphBuilder, Known, Value, rank_of, shapes_of
from saddlepoint.policies.lower_shapes import reshaped
from saddlepoint.policies.source import SourceNode

Lower = Callable[[GraphBuilder, SourceNode], Value]


def _instance_norm(build: GraphBuilder, node: SourceNode) -> Value:
    x = node.value(0)
    axes = tuple(range(2, rank_of(x)))
    if not axes:
        raise MalformedPolicy("InstanceNormalization needs axes after the channels. Export the model again.")
    return _by_channel(build, node, _normal(build, node, x, axes))


def _group_norm(build: GraphBuilder, node: SourceNode) -> Value:
    x, groups = node.value(0), node.int("num_groups", 0)
    shapes = shapes_of(x)
    if len(shapes[0]) < 2 or groups < 1 or shapes[0][1] % groups:
        raise MalformedPolicy("GroupNormalization needs groups of equally many channels. Export the model again.")
    grouped = reshaped(build, x, lambda shape, probe: (shape[0], groups, prod(shape[1:]) // groups))
    normal = _normal(build, node, grouped, (2,))
    return _by_channel(build, node, reshaped(build, normal, lambda shape, probe: shapes[probe]))


def _normal(build: GraphBuilder, node: SourceNode, x: Value, axes: tuple[int, ...]) -> Value:
    """Mean 0 and variance 1 over these axes."""
    centred = build.apply("Sub", x, build.apply("ReduceMean", x, axes=axes, keepdims=1))
    variance = build.apply("ReduceMean", build.apply("Mul", centred, centred), axes=axes, keepdims=1)
    epsilon = Known.of(torch.tensor(node.float("epsilon", 1e-5)))
    return build.apply("Div", centred, build.apply("Sqrt", build.apply("Add", variance, epsilon)))


def _by_channel(build: GraphBuilder, node: SourceNode, x: Value) -> Value:
    scale, bias = (_repeated(node.constant(index), x) for index in (1, 2))
    return build.apply("Add", build.apply("Mul", x, Known.of(scale)), Known.of(bias))


def _repeated(given: Tensor, x: Value) -> Tensor:
    """One number per channel; before opset 21 GroupNormalization has one per group."""
    shape = shapes_of(x)[0]
    if given.ndim != 1 or not len(given) or shape[1] % len(given):
        raise MalformedPolicy("A normalisation has one scale and bias per channel or group. Export the model again.")
    return given.repeat_interleave(shape[1] // len(given)).reshape(-1, *(1,) * (len(shape) - 2))


NORMALISATION: Mapping[str, Lower] = {
    "GroupNormalization": _group_norm,
    "InstanceNormalization": _instance_norm,
}
