"""The shape of what each operator of a canonical graph gives, without computing it.

Every rule takes the shapes of the inputs and the attributes of the node, and raises ValueError where they do not fit.
(PyTorch's meta tensors could tell too, but they load its compiler: seconds in every process.)
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

Shape = tuple[int, ...]
Rule = Callable[..., Shape]


def broadcast_shape(*shapes: Sequence[int]) -> Shape:
    """The common shape of these under broadcasting."""
    rank = max(len(shape) for shape in shapes)
    aligned = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    sizes = [set(column) - {1} for column in zip(*aligned, strict=True)]
    _require(all(len(size) < 2 for size in sizes))
    return tuple(size.pop() if size else 1 for size in sizes)


def same(x: Shape, **attributes: Any) -> Shape:
    """The shape of the only input."""
    return x


def along(x: Shape, *, axis: int) -> Shape:
    """The shape of the only input, which must have the axis."""
    _require(axis < len(x))
    return x


def broadcast(*inputs: Shape) -> Shape:
    """Of any number of inputs."""
    return broadcast_shape(*inputs)


def binary(a: Shape, b: Shape) -> Shape:
    """Of two inputs exactly."""
    return broadcast_shape(a, b)


def choice(condition: Shape, a: Shape, b: Shape) -> Shape:
    """Of a condition and what it chooses between."""
    return broadcast_shape(condition, a, b)


def expand(x: Shape, *, shape: Shape) -> Shape:
    return broadcast_shape(x, shape)


def reduction(x: Shape, *, axes: Shape, keepdims: int) -> Shape:
    _require(all(axis < len(x) for axis in axes))
    kept = [1 if axis in axes else size for axis, size in enumerate(x) if keepdims or axis not in axes]
    return tuple(kept)


def conv(
    x: Shape, weight: Shape, bias: Shape | None = None, *, strides: Shape, pads: Shape, dilations: Shape, group: int
) -> Shape:
    _require(len(x) == len(weight) >= 3 and group > 0 and weight[0] % group == 0 and x[1] == weight[1] * group)
    _require(bias is None or bias == weight[:1])
    return (x[0], weight[0], *_windows(x[2:], weight[2:], strides, pads, dilations))


def pool(
    x: Shape,
    *,
    kernel_shape: Shape,
    strides: Shape,
    pads: Shape,
    dilations: Shape | None = None,
    count_include_pad: int = 0,
) -> Shape:
    half = len(kernel_shape)
    _require(len(x) == half + 2)
    widest = [max(pads[at], pads[at + half]) for at in range(half)]
    # PyTorch averages with no more padding than half of a window; for the largest, we pad, and onnxruntime below one.
    _require(all(2 * pad <= side or (dilations and pad < side) for pad, side in zip(widest, kernel_shape, strict=True)))
    return (*x[:2], *_windows(x[2:], kernel_shape, strides, pads, dilations or (1,) * half))


def _windows(space: Shape, kernel: Shape, strides: Shape, pads: Shape, dilations: Shape) -> Shape:
    half = len(space)
    sizes = []
    for at in range(half):
        free = space[at] + pads[at] + pads[at + half] - dilations[at] * (kernel[at] - 1) - 1
        _require(free >= 0)
        sizes.append(free // strides[at] + 1)
    return tuple(sizes)


def gemm(x: Shape, weight: Shape, bias: Shape | None = None) -> Shape:
    _require(len(x) == len(weight) == 2 and x[1] == weight[1] and bias in (None, weight[:1]))
    return x[0], weight[0]


def matmul(a: Shape, b: Shape) -> Shape:
    _require(len(a) > 0 and len(b) > 0)
    left, right = (a if len(a) > 1 else (1, *a)), (b if len(b) > 1 else (*b, 1))
    _require(left[-1] == right[-2])
    rows = left[-2:-1] if len(a) > 1 else ()
    columns = right[-1:] if len(b) > 1 else ()
    return (*broadcast_shape(left[:-2], right[:-2]), *rows, *columns)


def layer_norm(x: Shape, scale: Shape, bias: Shape | None = None, *, axis: int, epsilon: float) -> Shape:
    normalised = x[axis:]
    _require(broadcast_shape(scale, normalised) == normalised)
    _require(bias is None or broadcast_shape(bias, normalised) == normalised)
    return x


def reshape(x: Shape, *, shape: Shape) -> Shape:
    known = prod(size for size in shape if size != -1)
    sizes = tuple(prod(x) // known if size == -1 and known else size for size in shape)
    _require(prod(sizes) == prod(x) and shape.count(-1) < 2)
    return sizes


def transpose(x: Shape, *, perm: Shape) -> Shape:
    _require(sorted(perm) == list(range(len(x))))
    return tuple(x[axis] for axis in perm)


def concat(*inputs: Shape, axis: int) -> Shape:
    first = inputs[0]
    _require(axis < len(first) and len({len(shape) for shape in inputs}) == 1)
    _require(len({(*shape[:axis], *shape[axis + 1 :]) for shape in inputs}) == 1)
    return (*first[:axis], sum(shape[axis] for shape in inputs), *first[axis + 1 :])


def cut(x: Shape, *, starts: Shape, ends: Shape, axes: Shape, steps: Shape) -> Shape:
    sizes = list(x)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        _require(axis < len(x))
        sizes[axis] = len(range(*slice(start, end, step).indices(x[axis])))
    return tuple(sizes)


def gather(x: Shape, indices: Shape, *, axis: int) -> Shape:
    _require(axis < len(x))
    return (*x[:axis], *indices, *x[axis + 1 :])


def pad(x: Shape, *, pads: Shape, value: float) -> Shape:
    half = len(pads) // 2
    _require(half == len(x))
    sizes = tuple(size + pads[axis] + pads[axis + half] for axis, size in enumerate(x))
    _require(min(sizes) >= 0)
    return sizes


def _require(fits: bool) -> None:
    if not fits:
        raise ValueError("the shapes do not fit the operator")
