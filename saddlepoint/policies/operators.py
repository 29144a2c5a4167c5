"""What each operator of a canonical graph computes, as torch code that gradients flow through.

The names and meanings are ONNX's (https://onnx.ai/onnx/operators/), except that shapes, axes and bounds are
attributes even where ONNX passes them as tensors, and that every node has one output.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from saddlepoint.policies import shapes
from saddlepoint.policies.shapes import Rule, broadcast_shape


@dataclass(frozen=True)
class Operator:
    """`compute(*inputs, **attributes)`, and likewise `shape` of the shapes of the inputs.

    `inputs_from` are the attributes that ONNX passes as tensors, in order.
    """

    compute: Callable[..., Tensor]
    shape: Rule
    inputs_from: tuple[str, ...] = ()


def _padded(x: Tensor, pads: Sequence[int], value: float = 0.0) -> Tensor:
    """`x` with ONNX pads (all begins, then all ends) of its last axes."""
    half = len(pads) // 2
    if not any(pads):
        return x
    widths = [width for axis in reversed(range(half)) for width in (pads[axis], pads[axis + half])]
    return F.pad(x, widths, value=value)


def _symmetric(pads: Sequence[int]) -> bool:
    half = len(pads) // 2
    return tuple(pads[:half]) == tuple(pads[half:])


def _conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    group: int,
) -> Tensor:
    function = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[weight.ndim - 2]
    padding = list(pads[: len(pads) // 2])
    if not _symmetric(pads):
        x, padding = _padded(x, pads), [0] * len(padding)
    return function(x, weight, bias, list(strides), padding, list(dilations), group)


def _max_pool(
    x: Tensor,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
) -> Tensor:
    function = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}[len(kernel_shape)]
    x = _padded(x, pads, value=-torch.inf)
    return function(x, list(kernel_shape), list(strides), 0, list(dilations))


def _average_pool(
    x: Tensor, *, kernel_shape: Sequence[int], strides: Sequence[int], pads: Sequence[int], count_include_pad: int
) -> Tensor:
    function: Callable[..., Tensor] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}[len(kernel_shape)]
    padding = list(pads[: len(pads) // 2])
    return function(x, list(kernel_shape), list(strides), padding, False, bool(count_include_pad))


def _div(a: Tensor, b: Tensor) -> Tensor:
    whole = not a.is_floating_point() and not b.is_floating_point()
    return torch.div(a, b, rounding_mode="trunc" if whole else None)


def _slice(
    x: Tensor, *, starts: Sequence[int], ends: Sequence[int], axes: Sequence[int], steps: Sequence[int]
) -> Tensor:
    selection = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        selection[axis] = slice(start, end, step)
    return x[tuple(selection)]


def _gather(x: Tensor, indices: Tensor, *, axis: int) -> Tensor:
    flat = torch.where(indices < 0, indices + x.shape[axis], indices).reshape(-1)
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    return x.index_select(axis, flat).reshape(shape)


def _pad(x: Tensor, *, pads: Sequence[int], value: float) -> Tensor:
    return _padded(x, pads, value)


def _layer_norm(x: Tensor, scale: Tensor, bias: Tensor | None = None, *, axis: int, epsilon: float) -> Tensor:
    shape = x.shape[axis:]
    return F.layer_norm(x, shape, scale.expand(shape), None if bias is None else bias.expand(shape), epsilon)


def _reduction(function: Callable[[Tensor, list[int], bool], Tensor]) -> Operator:
    def compute(x: Tensor, *, axes: Sequence[int], keepdims: int) -> Tensor:
        return function(x, list(axes), bool(keepdims))

    return Operator(compute, shapes.reduction, ("axes",))


def _unary(function: Callable[..., Tensor]) -> Operator:
    return Operator(function, shapes.same)


def _variadic(function: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    return Operator(lambda *tensors: reduce(function, tensors), shapes.broadcast)


def _clip(x: Tensor, *, min: float, max: float) -> Tensor:
    return torch.clamp(x, min, max)


def _gelu(x: Tensor, *, approximate: str) -> Tensor:
    return F.gelu(x, approximate=approximate)


def _selu(x: Tensor, *, alpha: float, gamma: float) -> Tensor:
    return gamma * torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))


def _product(x: Tensor, axes: list[int], keepdims: bool) -> Tensor:
    for axis in sorted(axes, reverse=True):
        x = x.prod(axis, keepdim=keepdims)
    return x


def _transpose(x: Tensor, *, perm: Sequence[int]) -> Tensor:
    return x.permute(list(perm))


def _reshape(x: Tensor, *, shape: Sequence[int]) -> Tensor:
    return x.reshape(list(shape))


def _expand(x: Tensor, *, shape: Sequence[int]) -> Tensor:
    return x.expand(broadcast_shape(x.shape, shape))


def _concat(*tensors: Tensor, axis: int) -> Tensor:
    return torch.cat(tensors, dim=axis)


OPERATORS: Mapping[str, Operator] = {
    "Abs": _unary(torch.abs),
    "Add": Operator(torch.add, shapes.binary),
    "And": Operator(torch.logical_and, shapes.binary),
    "AveragePool": Operator(_average_pool, shapes.pool),
    "Celu": _unary(lambda x, *, alpha: F.celu(x, alpha)),
    "Clip": Operator(_clip, shapes.same, ("min", "max")),
    "Concat": Operator(_concat, shapes.concat),
    "Conv": Operator(_conv, shapes.conv),
    "Cos": _unary(torch.cos),
    "Div": Operator(_div, shapes.binary),
    "Elu": _unary(lambda x, *, alpha: F.elu(x, alpha)),
    "Equal": Operator(torch.eq, shapes.binary),
    "Erf": _unary(torch.erf),
    "Exp": _unary(torch.exp),
    "Expand": Operator(_expand, shapes.expand, ("shape",)),
    "Gather": Operator(_gather, shapes.gather),
    "Gelu": _unary(_gelu),
    "Gemm": Operator(lambda x, weight, bias=None: F.linear(x, weight, bias), shapes.gemm),
    "Greater": Operator(torch.gt, shapes.binary),
    "GreaterOrEqual": Operator(torch.ge, shapes.binary),
    "HardSigmoid": _unary(lambda x, *, alpha, beta: torch.clamp(alpha * x + beta, 0, 1)),
    "HardSwish": _unary(F.hardswish),
    "LayerNormalization": Operator(_layer_norm, shapes.layer_norm),
    "LeakyRelu": _unary(lambda x, *, alpha: F.leaky_relu(x, alpha)),
    "Less": Operator(torch.lt, shapes.binary),
    "LessOrEqual": Operator(torch.le, shapes.binary),
    "Log": _unary(torch.log),
    "LogSoftmax": Operator(lambda x, *, axis: torch.log_softmax(x, axis), shapes.along),
    "MatMul": Operator(torch.matmul, shapes.matmul),
    "Max": _variadic(torch.maximum),
    "MaxPool": Operator(_max_pool, shapes.pool),
    "Min": _variadic(torch.minimum),
    "Mish": _unary(F.mish),
    "Mul": Operator(torch.mul, shapes.binary),
    "Neg": _unary(torch.neg),
    "Not": _unary(torch.logical_not),
    "Or": Operator(torch.logical_or, shapes.binary),
    "PRelu": Operator(lambda x, slope: torch.where(x < 0, slope * x, x), shapes.binary),
    "Pad": Operator(_pad, shapes.pad, ("pads", "value")),
    "Pow": Operator(torch.pow, shapes.binary),
    "Reciprocal": _unary(torch.reciprocal),
    "ReduceL2": _reduction(lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keep)),
    "ReduceLogSumExp": _reduction(torch.logsumexp),
    "ReduceMax": _reduction(torch.amax),
    "ReduceMean": _reduction(torch.mean),
    "ReduceMin": _reduction(torch.amin),
    "ReduceProd": _reduction(_product),
    "ReduceSum": _reduction(torch.sum),
    "Relu": _unary(torch.relu),
    "Reshape": Operator(_reshape, shapes.reshape, ("shape",)),
    "Selu": _unary(_selu),
    "Sigmoid": _unary(torch.sigmoid),
    "Sin": _unary(torch.sin),
    "Slice": Operator(_slice, shapes.cut, ("starts", "ends", "axes", "steps")),
    "Softmax": Operator(lambda x, *, axis: torch.softmax(x, axis), shapes.along),
    "Softplus": _unary(F.softplus),
    "Softsign": _unary(F.softsign),
    "Sqrt": _unary(torch.sqrt),
    "Sub": Operator(torch.sub, shapes.binary),
    "Tanh": _unary(torch.tanh),
    "Transpose": Operator(_transpose, shapes.transpose),
    "Where": Operator(torch.where, shapes.choice),
}
"""Every operator a canonical graph may hold; the allow-list. Anything else in an upload is folded away or refused."""


def compute(op: str, inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> Tensor:
    """The output of one node."""
    return OPERATORS[op].compute(*inputs, **attributes)
