"""Elementwise operators, reductions and softmax."""

import math
from collections.abc import Callable, Mapping

import torch

from saddlepoint.errors import UnsupportedOperator
from saddlepoint.policies.builder import GraphBuilder, Known, Live, Value, rank_of
from saddlepoint.policies.source import SourceNode

Lower = Callable[[GraphBuilder, SourceNode], Value]


def _same(build: GraphBuilder, node: SourceNode) -> Value:
    return build.apply(node.op, *[node.value(index) for index in range(len(node.inputs))])


def _sum(build: GraphBuilder, node: SourceNode) -> Value:
    total = node.value(0)
    for index in range(1, len(node.inputs)):
        total = build.apply("Add", total, node.value(index))
    return total


def _with(**defaults: float) -> Lower:
    """An elementwise operator with float attributes."""

    def lower(build: GraphBuilder, node: SourceNode) -> Value:
        attributes = {name: node.float(name, default) for name, default in defaults.items()}
        return build.apply(node.op, node.value(0), **attributes)

    return lower


def _clip(build: GraphBuilder, node: SourceNode) -> Value:
    if node.opset < 11:
        low, high = node.float("min", -math.inf), node.float("max", math.inf)
    else:
        low, high = node.scalar_at(1, -math.inf), node.scalar_at(2, math.inf)
    return build.apply("Clip", node.value(0), min=low, max=high)


def _gelu(build: GraphBuilder, node: SourceNode) -> Value:
    approximate = node.text("approximate", "none")
    if approximate not in ("none", "tanh"):
        raise UnsupportedOperator("Gelu is exact ('none') or 'tanh'; this model has another kind.")
    return build.apply("Gelu", node.value(0), approximate=approximate)


def _swish(build: GraphBuilder, node: SourceNode) -> Value:
    alpha = Known.of(torch.tensor(node.float("alpha", 1.0)))
    gate = build.apply("Sigmoid", build.apply("Mul", node.value(0), alpha))
    return build.apply("Mul", node.value(0), gate)


def _softmax(build: GraphBuilder, node: SourceNode) -> Value:
    x = node.value(0)
    rank = rank_of(x)
    axis = node.int("axis", -1 if node.opset >= 13 else 1)
    axis = axis + rank if axis < 0 else axis
    if node.opset < 13 and axis != rank - 1:
        raise UnsupportedOperator(
            "Before opset 13 Softmax must be over the last axis; this one is not. "
            "Export the model with opset_version=18."
        )
    return build.apply(node.op, x, axis=axis)


def _threshold(build: GraphBuilder, node: SourceNode) -> Value:
    """x above alpha, else 0."""
    x, alpha = node.value(0), Known.of(torch.tensor(node.float("alpha", 1.0)))
    return _chosen(build, build.apply("Greater", x, alpha), x, _ZERO)


def _shrink(build: GraphBuilder, node: SourceNode) -> Value:
    """x, brought nearer to 0 by a bias, beyond -lambda and lambda, else 0."""
    x, bias = node.value(0), Known.of(torch.tensor(node.float("bias", 0.0)))
    limit = node.float("lambd", 0.5)
    is_above = build.apply("Greater", x, Known.of(torch.tensor(limit)))
    is_below = build.apply("Less", x, Known.of(torch.tensor(-limit)))
    above = _chosen(build, is_above, build.apply("Sub", x, bias), _ZERO)
    return _chosen(build, is_below, build.apply("Add", x, bias), above)


def _sign(build: GraphBuilder, node: SourceNode) -> Value:
    x, one, minus = node.value(0), Known.of(torch.tensor(1.0)), Known.of(torch.tensor(-1.0))
    below = _chosen(build, build.apply("Less", x, _ZERO), minus, _ZERO)
    return _chosen(build, build.apply("Greater", x, _ZERO), one, below)


_ZERO = Known.of(torch.tensor(0.0))


def _chosen(build: GraphBuilder, condition: Value, then: Value, otherwise: Value) -> Value:
    return build.apply("Where", condition, then, otherwise)


def _reduce_of(first: str) -> Lower:
    """A sum of absolute values or squares."""

    def lower(build: GraphBuilder, node: SourceNode) -> Value:
        x = node.value(0)
        changed = build.apply("Mul", x, x) if first == "Mul" else build.apply(first, x)
        return _reduced(build, node, changed, "ReduceSum")

    return lower


def _reduce(build: GraphBuilder, node: SourceNode) -> Value:
    return _reduced(build, node, node.value(0), node.op)


def _reduced(build: GraphBuilder, node: SourceNode, x: Value, op: str) -> Value:
    axes = node.ints("axes")
    if axes is None and node.maybe(1) is not None:
        axes = node.ints_at(1)
    if not axes and node.int("noop_with_empty_axes", 0):
        return x
    rank = rank_of(x)
    chosen = tuple(axis % rank for axis in axes) if axes else tuple(range(rank))
    return build.apply(op, x, axes=chosen, keepdims=node.int("keepdims", 1))


def _pow(build: GraphBuilder, node: SourceNode) -> Value:
    base, exponent = node.value(0), node.value(1)
    if isinstance(exponent, Known) and isinstance(base, Live) and exponent.at[0].numel() == 1:
        if float(exponent.at[0]) == 2.0:
            return build.apply("Mul", base, base)
        if float(exponent.at[0]) == 0.5:
            return build.apply("Sqrt", base)
    return build.apply("Pow", base, exponent)


ARITHMETIC: Mapping[str, Lower] = {
    **dict.fromkeys(
        (
            *("Abs", "Cos", "Erf", "Exp", "HardSwish", "Log", "Mish", "Neg", "Reciprocal"),
            *("Relu", "Sigmoid", "Sin", "Softplus", "Softsign", "Sqrt", "Tanh"),
            *("Add", "Div", "Max", "Min", "Mul", "PRelu", "Sub"),
        ),
        _same,
    ),
    **dict.fromkeys(
        (
            *("ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin"),
            *("ReduceProd", "ReduceSum"),
        ),
        _reduce,
    ),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _softmax),
    "Celu": _with(alpha=1.0),
    "Clip": _clip,
    "Elu": _with(alpha=1.0),
    "Gelu": _gelu,
    "HardSigmoid": _with(alpha=0.2, beta=0.5),
    "LeakyRelu": _with(alpha=0.01),
    "Pow": _pow,
    "ReduceL1": _reduce_of("Abs"),
    "ReduceSumSquare": _reduce_of("Mul"),
    "Selu": _with(alpha=1.6732632423543772, gamma=1.0507009873554805),
    "Shrink": _shrink,
    "Sign": _sign,
    "Sum": _sum,
    "Swish": _swish,
    "ThresholdedRelu": _threshold,
}
