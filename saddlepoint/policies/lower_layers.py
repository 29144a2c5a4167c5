"""Convolutions, matrix products and the layers that go with them."""

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from saddlepoint.errors import MalformedPolicy, UnsupportedOperator
from saddlepoint.policies.builder import GraphBuilder, Known, Live, Value, rank_of
from saddlepoint.policies.source import SourceNode

Lower = Callable[[GraphBuilder, SourceNode], Value]
_DENSE = re.compile(r"(?P<kept>[a-zA-Z]+)(?P<sum>[a-zA-Z]),(?P<right>[a-zA-Z]{2})->(?P=kept)(?P<new>[a-zA-Z])")
Window = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


def window(node: SourceNode, x: Live, kernel: tuple[int, ...]) -> Window:
    """Strides, pads and dilations of a convolution or pooling, `auto_pad` resolved."""
    axes = len(kernel)
    strides = tuple(node.ints("strides") or (1,) * axes)
    dilations = tuple(node.ints("dilations") or (1,) * axes)
    sizes = x.shapes[0][2:]
    pads = tuple(node.ints("pads") or (0,) * (2 * axes))
    mode = node.text("auto_pad", "NOTSET")
    lengths = (len(strides), len(dilations), len(sizes), len(pads) // 2)
    if axes not in (1, 2, 3) or set(lengths) != {axes} or min(*strides, *dilations, *kernel) < 1:
        raise MalformedPolicy(f"The window of a {node.op} does not fit its input. Export it again.")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        pads = _same_pads(sizes, kernel, strides, dilations, upper=mode == "SAME_UPPER")
    elif mode == "VALID":
        pads = (0,) * (2 * axes)
    if min(pads) < 0 or max(pads) > 1024:
        raise MalformedPolicy(f"The padding of a {node.op} must lie between 0 and 1024.")
    return strides, pads, dilations


def _same_pads(
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    *,
    upper: bool,
) -> tuple[int, ...]:
    begins, ends = [], []
    for size, side, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        outputs = -(-size // stride)
        total = max(0, (outputs - 1) * stride + dilation * (side - 1) + 1 - size)
        small, large = total // 2, total - total // 2
        begins.append(small if upper else large)
        ends.append(large if upper else small)
    return (*begins, *ends)


def _conv(build: GraphBuilder, node: SourceNode) -> Value:
    x, weight = node.live(0), node.constant(1)
    strides, pads, dilations = window(node, x, tuple(weight.shape[2:]))
    parameters: list[Value] = [node.known(1)]
    if node.maybe(2) is not None:
        parameters.append(node.known(2))
    return build.live(
        "Conv",
        x,
        *parameters,
        strides=strides,
        pads=pads,
        dilations=dilations,
        group=node.int("group", 1),
    )


def _gemm(build: GraphBuilder, node: SourceNode) -> Value:
    x = node.value(0)
    if node.int("transA", 0) or isinstance(node.value(1), Live):
        return _product(build, node)
    weight = node.constant(1)
    if weight.ndim != 2:
        raise MalformedPolicy("Gemm multiplies by a matrix of two axes. Export the model again.")
    if not node.int("transB", 0):
        weight = weight.T
    inputs: list[Value] = [x, Known.of(_times(weight, node.float("alpha", 1.0)))]
    if node.maybe(2) is not None:
        bias = _times(node.constant(2), node.float("beta", 1.0))
        if bias.ndim > 2 or (bias.ndim == 2 and bias.shape[0] != 1):
            raise UnsupportedOperator("The bias of Gemm must be the same for every row.")
        if bias.numel() not in (1, len(weight)):
            raise MalformedPolicy("The bias of Gemm must have one number per output.")
        inputs.append(Known.of(bias.reshape(-1).expand(len(weight)).contiguous()))
    return build.apply("Gemm", *inputs)


def _product(build: GraphBuilder, node: SourceNode) -> Value:
    """A Gemm that is no dense layer, such as W @ x^T, by its definition."""
    factors = [node.value(0), node.value(1)]
    if {rank_of(factor) for factor in factors} != {2}:
        raise MalformedPolicy("Gemm multiplies matrices of two axes. Export the model again.")
    for index, name in enumerate(("transA", "transB")):
        if node.int(name, 0):
            factors[index] = build.apply("Transpose", factors[index], perm=(1, 0))
    result = _scaled(build, build.apply("MatMul", *factors), node.float("alpha", 1.0))
    if node.maybe(2) is None:
        return result
    return build.apply("Add", result, _scaled(build, node.value(2), node.float("beta", 1.0)))


def _scaled(build: GraphBuilder, value: Value, factor: float) -> Value:
    return value if factor == 1.0 else build.apply("Mul", value, Known.of(torch.tensor(factor)))


def _times(tensor: Tensor, factor: float) -> Tensor:
    return tensor if factor == 1.0 else tensor * factor


def _mat_mul(build: GraphBuilder, node: SourceNode) -> Value:
    x, weight = node.value(0), node.value(1)
    if isinstance(x, Live) and isinstance(weight, Known) and len(x.shapes[0]) == 2:
        matrix = node.constant(1)
        if matrix.ndim == 2:
            return build.live("Gemm", x, Known.of(matrix.T))
    return build.apply("MatMul", x, weight)


def _einsum(build: GraphBuilder, node: SourceNode) -> Value:
    """A dense layer as JAX writes it: 'ab,bc->ac', or with any other axes kept before or between."""
    found = _DENSE.fullmatch(node.text("equation", "").replace(" ", ""))
    letters = found["kept"] + found["sum"] + found["new"] if found else ""
    is_dense = found is not None and set(found["right"]) == {found["sum"], found["new"]}
    if found is None or not is_dense or len(set(letters)) < len(letters) or len(node.inputs) != 2:
        raise UnsupportedOperator(
            "Einsum must be a dense layer, such as 'ab,bc->ac' with a constant matrix; this one is not. "
            "Export the layer as a product of matrices."
        )
    matrix = node.constant(1)
    if matrix.ndim != 2 or rank_of(node.value(0)) != len(found["kept"]) + 1:
        raise MalformedPolicy("The shapes given to Einsum do not fit its equation. Export the model again.")
    if found["right"] != found["sum"] + found["new"]:
        matrix = matrix.T
    if isinstance(node.value(0), Live) and len(found["kept"]) == 1:
        return build.live("Gemm", node.value(0), Known.of(matrix.T))
    return build.apply("MatMul", node.value(0), Known.of(matrix.contiguous()))


def _layer_norm(build: GraphBuilder, node: SourceNode) -> Value:
    x = node.live(0)
    rank = len(x.shapes[0])
    parameters: list[Value] = [node.known(1)]
    if node.maybe(2) is not None:
        parameters.append(node.known(2))
    axis = node.int("axis", -1) % rank
    if axis == 0:
        raise UnsupportedOperator("LayerNormalization must not run over the batch.")
    epsilon = node.float("epsilon", 1e-5)
    return build.live("LayerNormalization", x, *parameters, axis=axis, epsilon=epsilon)


def _batch_norm(build: GraphBuilder, node: SourceNode) -> Value:
    if node.int("training_mode", 0):
        raise UnsupportedOperator("BatchNormalization must be in inference mode. Export the model after .eval().")
    x = node.live(0)
    scale, bias, mean, variance = (node.constant(index) for index in range(1, 5))
    factor = scale / torch.sqrt(variance + node.float("epsilon", 1e-5))
    shape = (-1, *(1,) * (len(x.shapes[0]) - 2))
    scaled = build.live("Mul", x, Known.of(factor.reshape(shape)))
    return build.live("Add", scaled, Known.of((bias - mean * factor).reshape(shape)))


def _dropout(build: GraphBuilder, node: SourceNode) -> Value:
    if node.maybe(2) is not None and bool(node.constant(2).any()):
        raise UnsupportedOperator("Dropout must be in inference mode. Export the model after .eval().")
    return node.value(0)


LAYERS: Mapping[str, Lower] = {
    "BatchNormalization": _batch_norm,
    "Conv": _conv,
    "Dropout": _dropout,
    "Einsum": _einsum,
    "Gemm": _gemm,
    "LayerNormalization": _layer_norm,
    "MatMul": _mat_mul,
}
