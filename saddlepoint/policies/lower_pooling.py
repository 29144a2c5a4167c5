"""Pooling, with the windows of onnxruntime where they go beyond the input (ceil_mode)."""

from collections.abc import Callable, Mapping, Sequence
from math import prod

import torch
from torch import Tensor

from saddlepoint.errors import MalformedPolicy, UnsupportedOperator
from saddlepoint.policies.builder import GraphBuilder, Known, Value
from saddlepoint.policies.lower_layers import window
from saddlepoint.policies.source import SourceNode

Lower = Callable[[GraphBuilder, SourceNode], Value]


def _max_pool(build: GraphBuilder, node: SourceNode) -> Value:
    x, kernel = node.live(0), _kernel(node)
    strides, pads, dilations = window(node, x, kernel)
    overhang = _overhang(node, x.shapes[0][2:], kernel, strides, pads, dilations)
    half = len(kernel)
    ends = (end + beyond for end, beyond in zip(pads[half:], overhang, strict=True))
    return build.live(
        "MaxPool",
        x,
        kernel_shape=kernel,
        strides=strides,
        pads=(*pads[:half], *ends),
        dilations=dilations,
    )


def _average_pool(build: GraphBuilder, node: SourceNode) -> Value:
    x, kernel = node.live(0), _kernel(node)
    strides, pads, dilations = window(node, x, kernel)
    if set(dilations) != {1}:
        raise UnsupportedOperator("AveragePool must be undilated. Average by a convolution instead.")
    sizes, half = x.shapes[0][2:], len(kernel)
    with_pads = node.int("count_include_pad", 0)
    overhang = _overhang(node, sizes, kernel, strides, pads, dilations)
    shape = {"kernel_shape": kernel, "strides": strides}
    if not any(overhang) and pads[:half] == pads[half:]:
        return build.live("AveragePool", x, **shape, pads=pads, count_include_pad=with_pads)
    ends = tuple(end + beyond for end, beyond in zip(pads[half:], overhang, strict=True))
    padded = build.live("Pad", x, pads=(0, 0, *pads[:half], 0, 0, *ends), value=0.0)
    mean = build.live("AveragePool", padded, **shape, pads=(0,) * len(pads), count_include_pad=0)
    counts = torch.ones((1, 1, *(1,) * half))
    for axis, size in enumerate(sizes):
        first, last = (0, size + pads[axis] + pads[axis + half]) if with_pads else (pads[axis], pads[axis] + size)
        starts = torch.arange(mean.shapes[0][axis + 2]) * strides[axis]
        counts = counts * _shaped((starts + kernel[axis]).clamp(max=last) - starts.clamp(min=first), axis, half)
    if bool((counts < 1).any()):
        raise MalformedPolicy("A window of AveragePool has nothing in it but padding. Export the model again.")
    return build.live("Mul", mean, Known.of(prod(kernel) / counts))


def _shaped(counts: Tensor, axis: int, half: int) -> Tensor:
    return counts.reshape([-1 if at == axis + 2 else 1 for at in range(half + 2)])


def _overhang(
    node: SourceNode,
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
) -> list[int]:
    """By how much the last windows go beyond the padded input: none begins in the padding at the end."""
    if not node.int("ceil_mode", 0) or node.text("auto_pad", "NOTSET").startswith("SAME"):
        return [0] * len(kernel)
    found = []
    for axis, (size, side, stride, dilation) in enumerate(zip(sizes, kernel, strides, dilations, strict=True)):
        begun = size + pads[axis]
        covered, length = begun + pads[axis + len(kernel)], dilation * (side - 1) + 1
        last = -(-max(0, covered - length) // stride) * stride
        found.append(max(0, (last if last < begun else last - stride) + length - covered))
    return found


def _kernel(node: SourceNode) -> tuple[int, ...]:
    kernel = node.ints("kernel_shape")
    if not kernel:
        raise MalformedPolicy(f"{node.op} needs the shape of its kernel. Export the model again.")
    return tuple(kernel)


def _global(reduction: str) -> Lower:
    def lower(build: GraphBuilder, node: SourceNode) -> Value:
        axes = tuple(range(2, len(node.live(0).shapes[0])))
        return build.live(reduction, node.live(0), axes=axes, keepdims=1)

    return lower


POOLING: Mapping[str, Lower] = {
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global("ReduceMean"),
    "GlobalMaxPool": _global("ReduceMax"),
    "MaxPool": _max_pool,
}
