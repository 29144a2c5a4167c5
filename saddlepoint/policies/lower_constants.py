"""Operators that exporters use to compute shapes and constants, which are folded away, and comparisons."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod

import torch
from torch import Tensor

from saddlepoint.errors import MalformedPolicy, ResourceLimit, UnsupportedOperator
from saddlepoint.policies.builder import GraphBuilder, Known, Live, Value, shapes_of
from saddlepoint.policies.shapes import broadcast_shape
from saddlepoint.policies.source import FLOATS, SourceNode, dtype_of, tensor_of

Lower = Callable[[GraphBuilder, SourceNode], Value]
_ROUNDED = (
    "Numbers that depend on the observation must stay floats, since rounding has no gradient; this model casts them to "
    "another type. Remove the cast before exporting."
)


def _constant(build: GraphBuilder, node: SourceNode) -> Value:
    if len(node.proto.attribute) != 1:
        raise MalformedPolicy("Constant needs exactly one attribute. Export the model again.")
    item = node.proto.attribute[0]
    values: Mapping[str, Callable[[], Tensor]] = {
        "value": lambda: tensor_of(item.t),
        "value_float": lambda: torch.tensor(item.f),
        "value_floats": lambda: torch.tensor(list(item.floats), dtype=torch.float32),
        "value_int": lambda: torch.tensor(item.i),
        "value_ints": lambda: torch.tensor(list(item.ints), dtype=torch.int64),
    }
    if item.name not in values:
        raise UnsupportedOperator("Constant must be a dense tensor or a list of numbers.")
    return Known.of(values[item.name]())


def _constant_of_shape(build: GraphBuilder, node: SourceNode) -> Value:
    item = node.attribute("value")
    fill = torch.zeros(1) if item is None else tensor_of(item.t)
    if fill.numel() != 1:
        raise MalformedPolicy("ConstantOfShape repeats one number. Export the model again.")
    first, second = (_filled(build, fill, shape) for shape in node.probes(0))
    return Known.of(first) if first.shape == second.shape else Known((first, second))


def _filled(build: GraphBuilder, fill: Tensor, shape: list[int]) -> Tensor:
    if any(size < 0 for size in shape):
        raise MalformedPolicy(f"A shape has no negative sizes, got {shape}.")
    build.charge(prod(shape))
    return fill.reshape((1,) * len(shape)).expand(shape).contiguous()


def _shape(build: GraphBuilder, node: SourceNode) -> Value:
    value = node.value(0)
    shapes = shapes_of(value)
    selected = slice(node.int("start", 0), node.int("end", 2**31))
    first, second = (torch.tensor(list(shape)[selected], dtype=torch.int64) for shape in shapes)
    return Known.of(first) if torch.equal(first, second) else Known((first, second))


def _size(build: GraphBuilder, node: SourceNode) -> Value:
    value = node.value(0)
    shapes = shapes_of(value)
    return Known((torch.tensor(prod(shapes[0])), torch.tensor(prod(shapes[1]))))


def _cast(build: GraphBuilder, node: SourceNode) -> Value:
    code = node.int("to", 0)
    dtype = dtype_of(code)
    value = node.value(0)
    if isinstance(value, Known):
        return _mapped(value, lambda tensor: tensor.to(dtype))
    if code in FLOATS:
        return _as_numbers(build, value) if value.is_flag else replace(value, is_bytes=False)
    if value.is_flag and dtype == torch.bool:
        return value
    raise UnsupportedOperator(_ROUNDED)


def _as_numbers(build: GraphBuilder, flag: Live) -> Live:
    """1 where it holds and 0 elsewhere."""
    return build.live("Where", flag, Known.of(torch.tensor(1.0)), Known.of(torch.tensor(0.0)))


def _cast_like(build: GraphBuilder, node: SourceNode) -> Value:
    value, like = node.value(0), node.value(1)
    if isinstance(value, Live) and value.is_flag:
        is_flag = like.is_flag if isinstance(like, Live) else like.at[0].dtype == torch.bool
        return value if is_flag else _as_numbers(build, value)
    if isinstance(value, Live):
        if isinstance(like, Known) and not like.at[0].is_floating_point():
            raise UnsupportedOperator(_ROUNDED)
        return replace(value, is_bytes=value.is_bytes and isinstance(like, Live) and like.is_bytes)
    dtype = torch.float32 if isinstance(like, Live) else like.at[0].dtype
    return _mapped(value, lambda tensor: tensor.to(dtype))


def _mapped(value: Known, function: Callable[[Tensor], Tensor]) -> Known:
    first, second = value.at
    result = function(first)
    return Known.of(result) if first is second else Known((result, function(second)))


def _compared(function: Callable[..., Tensor]) -> Lower:
    """A comparison or a choice by one, which has a gradient by what is chosen alone."""
    fold = _known_only(function)

    def lower(build: GraphBuilder, node: SourceNode) -> Value:
        values = [node.value(index) for index in range(len(node.inputs))]
        if any(isinstance(value, Live) for value in values):
            return build.live(node.op, *values)
        return fold(build, node)

    return lower


def _where(build: GraphBuilder, node: SourceNode) -> Value:
    condition = node.value(0)
    if isinstance(condition, Known):
        for index, number in ((1, 1), (2, 0)):
            value = node.value(index)
            same = all(bool((tensor == number).all()) for tensor in condition.at)
            if isinstance(value, Live) and same and _is_covered(value, condition, node.value(3 - index)):
                return value
    return _compared(torch.where)(build, node)


def _is_covered(value: Value, *others: Value) -> bool:
    """Whether broadcasting with the others leaves the shape of a value alone."""
    pairs = zip(shapes_of(value), *(shapes_of(other) for other in others), strict=True)
    try:
        return all(broadcast_shape(*shapes) == shapes[0] for shapes in pairs)
    except ValueError as error:
        raise MalformedPolicy("The shapes given to Where do not fit. Export the model again.") from error


def _known_only(function: Callable[..., Tensor]) -> Lower:
    """An operator on constants alone; elementwise, so its output is bounded by broadcasting."""

    def lower(build: GraphBuilder, node: SourceNode) -> Value:
        values = [node.known(index) for index in range(len(node.inputs))]
        results = []
        for probe in range(2):
            tensors = [value.at[probe] for value in values]
            try:
                shape = broadcast_shape(*(tensor.shape for tensor in tensors))
            except ValueError as error:
                raise MalformedPolicy(f"The shapes given to {node.op} do not fit.") from error
            build.charge(prod(shape))
            results.append(function(*tensors))
        return Known.of(results[0]) if torch.equal(*results) else Known((results[0], results[1]))

    return lower


def _range(build: GraphBuilder, node: SourceNode) -> Value:
    start, limit, delta = (float(node.constant(index)) for index in range(3))
    count = (limit - start) / delta if delta else 0.0
    if not 0 <= count <= 2**20:
        raise ResourceLimit("Range may count to 1,048,576; this model's is longer or endless.")
    exact = torch.arange(start, limit, delta, dtype=torch.float64)
    return Known.of(exact.to(node.constant(0).dtype))


CONSTANTS: Mapping[str, Lower] = {
    "And": _compared(torch.logical_and),
    "Cast": _cast,
    "CastLike": _cast_like,
    "Ceil": _known_only(lambda x: torch.ceil(x.float())),
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Equal": _compared(torch.eq),
    "Floor": _known_only(lambda x: torch.floor(x.float())),
    "Greater": _compared(operator.gt),
    "GreaterOrEqual": _compared(operator.ge),
    "Less": _compared(operator.lt),
    "LessOrEqual": _compared(operator.le),
    "Mod": _known_only(torch.remainder),
    "Not": _compared(torch.logical_not),
    "Or": _compared(torch.logical_or),
    "Range": _range,
    "Shape": _shape,
    "Size": _size,
    "Where": _where,
}
