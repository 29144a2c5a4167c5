"""Padding, by a constant or by what is padded itself."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from saddlepoint.errors import MalformedPolicy, UnsupportedOperator
from saddlepoint.policies.builder import GraphBuilder, Known, Live, Value
from saddlepoint.policies.source import SourceNode

Lower = Callable[[GraphBuilder, SourceNode], Value]


def _pad(build: GraphBuilder, node: SourceNode) -> Value:
    x = node.live(0)
    rank = len(x.shapes[0])
    given = node.ints("pads") if node.opset < 11 else node.ints_at(1)
    value = node.float("value", 0.0) if node.opset < 11 else node.scalar_at(2, 0.0)
    axes = range(rank) if node.maybe(3) is None else [axis % rank for axis in node.ints_at(3)]
    if not given or len(given) != 2 * len(axes):
        raise MalformedPolicy("Pad needs two numbers per axis. Export the model again.")
    pads = [0] * (2 * rank)
    for index, axis in enumerate(axes):
        pads[axis], pads[rank + axis] = given[index], given[len(axes) + index]
    mode = node.text("mode", "constant")
    if mode == "constant":
        return build.live("Pad", x, pads=tuple(pads), value=value)
    return _continued(build, x, pads, mode)


def _continued(build: GraphBuilder, x: Live, pads: list[int], mode: str) -> Live:
    """Padding with entries of the input itself: an index for each entry of every padded axis."""
    rank = len(pads) // 2
    widths = [(axis, pads[axis], pads[axis + rank]) for axis in range(rank) if pads[axis] or pads[axis + rank]]
    sizes = x.shapes[0]
    is_batch = any(sizes[axis] != x.shapes[1][axis] for axis, _, _ in widths)
    if mode not in _INDICES or is_batch or min(pads) < 0 or max(pads) > 1024:
        raise UnsupportedOperator(
            "Pad is constant, or continues the picture by its edge, by reflection or by wrapping, with up to 1024 "
            "entries on a side and none of the batch; this one does not. Use torch.nn.functional.pad of such a kind."
        )
    for axis, begin, end in widths:
        size = sizes[axis]
        if mode != "edge" and max(begin, end) >= size:
            raise MalformedPolicy("Pad continues a picture by less than its own size. Export the model again.")
        build.charge(begin + size + end)
        indices = _INDICES[mode](torch.arange(-begin, size + end), size)
        x = build.live("Gather", x, Known.of(indices), axis=axis)
    return x


_INDICES: Mapping[str, Callable[[Tensor, int], Tensor]] = {
    "edge": lambda at, size: at.clamp(0, size - 1),
    "reflect": lambda at, size: size - 1 - (size - 1 - at.abs()).abs(),
    "wrap": lambda at, size: at % size,
}
"""Positions -begin..size+end to those that they repeat."""
PADDING: Mapping[str, Lower] = {"Pad": _pad}
