"""Operators that move numbers without changing them."""

from collections.abc import Callable, Mapping
from math import prod

import torch
from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch, MalformedPolicy, UnsupportedOperator
from saddlepoint.policies.builder import PROBE_BATCHES, GraphBuilder, Known, Live, Value, rank_of, shapes_of
from saddlepoint.policies.shapes import Shape, broadcast_shape
from saddlepoint.policies.source import Reshapes, SourceNode

Lower = Callable[[GraphBuilder, SourceNode], Value | tuple[Value, ...]]


def reshaped(build: GraphBuilder, value: Value, target: Callable[[Shape, int], Shape]) -> Value:
    """`value` in the shape `target(shape, probe)`, given its shape at a probe batch."""
    if isinstance(value, Known):
        first, second = value.at
        if first is second:
            return Known.of(first.reshape(target(tuple(first.shape), 0)))
        return Known(
            (
                first.reshape(target(tuple(first.shape), 0)),
                second.reshape(target(tuple(second.shape), 1)),
            )
        )
    shapes = target(value.shapes[0], 0), target(value.shapes[1], 1)
    if shapes == value.shapes:
        return value
    differ = [axis for axis, (a, b) in enumerate(zip(*shapes, strict=True)) if a != b]
    if len(differ) != 1:
        raise ArchitectureMismatch(
            "A reshape must leave the batch in one axis; this one does not. Export the model with a dynamic batch axis."
        )
    shape = list(shapes[0])
    shape[differ[0]] = -1
    return build.live("Reshape", value, shape=tuple(shape))


def _reshape(build: GraphBuilder, node: SourceNode) -> Value:
    targets = node.probes(1)
    copies = not node.int("allowzero", 0)
    shapes = shapes_of(node.value(0))
    batch = [axis for axis, (first, second) in enumerate(zip(*shapes, strict=True)) if first != second]

    def target(shape: Shape, probe: int) -> Shape:
        wanted = list(targets[probe])
        if copies:
            wanted = [shape[axis] if size == 0 and axis < len(shape) else size for axis, size in enumerate(wanted)]
        if node.baked_batch and len(batch) == 1:
            rows = PROBE_BATCHES[probe]
            wanted = _unbaked(wanted, shape, batch[0], rows, node.baked_batch, node.reshapes)
        return _resolved(wanted, shape)

    return reshaped(build, node.value(0), target)


def _unbaked(wanted: list[int], shape: Shape, batch: int, rows: int, baked: int, reshapes: Reshapes) -> list[int]:
    """A target that a file states for its own batch size `baked`, for `rows` that are at the axis `batch` of `shape`.

    The batch stays behind as many elements as it was; where ones leave that open, it keeps its axis. With
    steps free, what the target leaves free is what it was in the file, if the batch can be elsewhere; with steps first,
    (1, N, K) is what (1, 1, K) and (1, -1, K) are.
    """
    before = prod(shape[:batch])
    if reshapes == "steps first" and len(wanted) == 3 and wanted[0] == 1 and wanted[1] in (1, -1):
        return [1, rows, wanted[2]]
    if reshapes == "steps free" and wanted.count(-1) == 1:
        free = wanted.index(-1)
        stated = prod(shape) // shape[batch] * baked // max(1, prod(size for size in wanted if size != -1))
        known = [*wanted[:free], stated, *wanted[free + 1 :]]
        others = [axis for axis, size in enumerate(known) if axis != free and size == baked]
        fitting = [axis for axis in others if prod(known[:axis]) == before]
        return [shape[batch] if axis == fitting[0] else size for axis, size in enumerate(known)] if fitting else wanted
    if prod(wanted) == prod(shape):
        return wanted
    merged = shape[batch] // rows
    after = prod(shape[batch + 1 :])
    places = [(before, merged * after), (before * merged, after)] if merged > 1 else [(before, after)]
    axis = _alone_at(wanted, [left for left, _ in places], batch, baked)
    if axis is not None:
        wanted[axis] = rows
    elif -1 not in wanted:
        axis = _merged_at(wanted, places, baked)
        if axis is not None:
            wanted[axis] = wanted[axis] // baked * rows
    return wanted


def _alone_at(wanted: list[int], before: list[int], batch: int, baked: int) -> int | None:
    """The axis that is the batch, behind one of these numbers of elements."""
    fitting = [
        axis
        for axis, size in enumerate(wanted)
        if size == baked and -1 not in wanted[:axis] and prod(wanted[:axis]) in before
    ]
    return batch if batch in fitting else next(iter(fitting), None)


def _merged_at(wanted: list[int], places: list[tuple[int, int]], baked: int) -> int | None:
    """The axis that is the batch times others, as attention has it of batch and heads.

    A batch of 1 may be in several: not in the last, which holds the numbers that weights multiply, if it can be before.
    """
    fitting = [
        axis
        for axis, size in enumerate(wanted)
        if any(_holds(size, prod(wanted[:axis]), prod(wanted[axis + 1 :]), *place, baked) for place in places)
    ]
    return max((axis for axis in fitting if axis < len(wanted) - 1), default=next(iter(fitting), None))


def _holds(size: int, left: int, right: int, before: int, after: int, baked: int) -> bool:
    """Whether an axis between so many elements has the batch in it that lies between `before` and `after`."""
    fits = left > 0 and right > 0 and before % left == 0 and after % right == 0
    return fits and size == before // left * baked * (after // right)


def _resolved(wanted: list[int], shape: Shape) -> Shape:
    if -1 in wanted:
        others = prod(size for size in wanted if size != -1)
        wanted[wanted.index(-1)] = prod(shape) // others if others else 0
    if prod(wanted) != prod(shape) or any(size < 0 for size in wanted):
        raise ArchitectureMismatch(
            f"A reshape must keep the number of elements; {list(shape)} cannot become {wanted}. "
            "Export the model with a dynamic batch axis."
        )
    return tuple(wanted)


def _flatten(build: GraphBuilder, node: SourceNode) -> Value:
    axis = node.int("axis", 1)

    def target(shape: Shape, probe: int) -> Shape:
        at = axis + len(shape) if axis < 0 else axis
        return prod(shape[:at]), prod(shape[at:])

    return reshaped(build, node.value(0), target)


def _axes(node: SourceNode) -> list[int] | None:
    """The axes of Squeeze and Unsqueeze: an attribute before opset 13, an input since."""
    axes = node.ints("axes")
    return node.ints_at(1) if axes is None and node.maybe(1) is not None else axes


def _squeeze(build: GraphBuilder, node: SourceNode) -> Value:
    axes = _axes(node)

    def target(shape: Shape, probe: int) -> Shape:
        rank = len(shape)
        gone = {axis % rank for axis in axes} if axes else _ones(shape)
        if any(shape[axis] != 1 for axis in gone):
            raise ArchitectureMismatch(
                f"Squeeze removes axes of length 1; the shape {list(shape)} has others there. "
                "Export a model that keeps its batch axis."
            )
        return tuple(size for axis, size in enumerate(shape) if axis not in gone)

    return reshaped(build, node.value(0), target)


def _ones(shape: Shape) -> set[int]:
    return {axis for axis, size in enumerate(shape) if size == 1}


def _unsqueeze(build: GraphBuilder, node: SourceNode) -> Value:
    axes = _axes(node)
    if not axes:
        raise MalformedPolicy("Unsqueeze needs axes; this one has none. Export the model again.")

    def target(shape: Shape, probe: int) -> Shape:
        rank = len(shape) + len(axes)
        new = {axis % rank for axis in axes}
        kept = iter(shape)
        return tuple(1 if axis in new else next(kept, 1) for axis in range(rank))

    return reshaped(build, node.value(0), target)


def _transpose(build: GraphBuilder, node: SourceNode) -> Value:
    rank = rank_of(node.value(0))
    perm = tuple(node.ints("perm") or reversed(range(rank)))
    if sorted(perm) != list(range(rank)):
        raise MalformedPolicy(f"Transpose needs a permutation of {rank} axes, got {list(perm)}.")
    return build.apply("Transpose", node.value(0), perm=perm)


def _concat(build: GraphBuilder, node: SourceNode) -> Value:
    values = [node.value(index) for index in range(len(node.inputs))]
    return build.apply("Concat", *values, axis=node.int("axis", 0) % max(1, rank_of(values[0])))


def _slice(build: GraphBuilder, node: SourceNode) -> Value:
    rank = rank_of(node.value(0))
    if node.opset < 10:
        starts, ends = node.ints("starts") or [], node.ints("ends") or []
        axes, steps = node.ints("axes"), None
    else:
        starts, ends = node.ints_at(1), node.ints_at(2)
        axes = node.ints_at(3) if node.maybe(3) is not None else None
        steps = node.ints_at(4) if node.maybe(4) is not None else None
    axes = list(range(len(starts))) if axes is None else [axis % rank for axis in axes]
    steps = [1] * len(starts) if steps is None else steps
    if len({len(starts), len(ends), len(axes), len(steps)}) != 1 or 0 in steps:
        raise MalformedPolicy("Slice needs as many starts, ends, axes and steps, and no step of 0. Export it again.")
    cuts = list(zip(starts, ends, axes, steps, strict=True))
    forward = [cut for cut in cuts if cut[3] > 0]
    value = node.value(0)
    if forward:
        names = ("starts", "ends", "axes", "steps")
        value = build.apply("Slice", value, **dict(zip(names, zip(*forward, strict=True), strict=True)))
    for start, end, axis, step in cuts:
        if step < 0:
            size = _length(value, axis, "Slice")
            first = min(max(start + size if start < 0 else start, 0), size - 1)
            last = min(max(end + size if end < 0 else end, -1), size - 1)
            build.charge(size)
            indices = torch.arange(first, min(last, first), step)
            value = build.apply("Gather", value, Known.of(indices), axis=axis)
    return value


def _split(build: GraphBuilder, node: SourceNode) -> tuple[Value, ...]:
    value = node.value(0)
    axis = node.int("axis", 0) % rank_of(value)
    sizes = node.ints("split")
    if sizes is None and node.maybe(1) is not None:
        sizes = node.ints_at(1)
    if sizes is None:
        total = _length(value, axis, "Split")
        share = -(-total // len(node.proto.output))
        sizes = [min(share, total - start) for start in range(0, total, share)]
    ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
    return tuple(
        build.apply("Slice", value, starts=(end - size,), ends=(end,), axes=(axis,), steps=(1,))
        for size, end in zip(sizes, ends, strict=True)
    )


def _length(value: Value, axis: int, op: str) -> int:
    """How long an axis is that is not the batch."""
    shapes = shapes_of(value)
    if shapes[0][axis] != shapes[1][axis]:
        way = "backwards " if op == "Slice" else ""
        raise UnsupportedOperator(f"{op} must not run {way}over the batch axis. Export the model with the batch first.")
    return shapes[0][axis]


def _gather(build: GraphBuilder, node: SourceNode) -> Value:
    value = node.value(0)
    return _gathered(build, value, node.constant(1), node.int("axis", 0) % max(1, rank_of(value)))


def _gathered(build: GraphBuilder, value: Value, indices: Tensor, axis: int) -> Value:
    shapes = shapes_of(value)
    if isinstance(value, Live) and shapes[0][axis] != shapes[1][axis]:
        raise ArchitectureMismatch(
            "A policy answers every row of a batch; this model takes one row out of it. Export a model that keeps its "
            "batch axis."
        )
    length = min(shape[axis] for shape in shapes)
    if indices.is_floating_point() or bool(((indices < -length) | (indices >= length)).any()):
        raise MalformedPolicy(f"The indices of Gather must lie below {length}. Export it again.")
    return build.apply("Gather", value, Known.of(indices), axis=axis)


def _gather_elements(build: GraphBuilder, node: SourceNode) -> Value:
    """With constant indices that are the same in every row, as Gather."""
    value, indices = node.value(0), node.known(1)
    rank = rank_of(value)
    axis = node.int("axis", 0) % max(1, rank)
    first = indices.at[0]
    if first.ndim != rank or not first.numel() or first.is_floating_point():
        raise MalformedPolicy("The indices of GatherElements have as many axes as its input. Export the model again.")
    row = first.movedim(axis, -1).reshape(-1, first.shape[axis])[0]
    shape = [-1 if at == axis else 1 for at in range(rank)]
    is_same = all(torch.equal(tensor, row.reshape(shape).expand_as(tensor)) for tensor in indices.at)
    pairs = zip(indices.at, shapes_of(value), strict=True)
    fits = all(
        tensor.shape[:axis] == size[:axis] and tensor.shape[axis + 1 :] == size[axis + 1 :] for tensor, size in pairs
    )
    if not is_same or not fits:
        raise UnsupportedOperator(
            "GatherElements must take the same constant entries of every row; here they differ. Export the scores of "
            "all actions, without choosing among them."
        )
    return _gathered(build, value, row, axis)


def _expand(build: GraphBuilder, node: SourceNode) -> Value:
    value, targets = node.value(0), node.probes(1)
    shapes = shapes_of(value)
    common = _broadcast(shapes[0], targets[0]), _broadcast(shapes[1], targets[1])
    if isinstance(value, Known):
        build.charge(prod(common[0]) + prod(common[1]))
        first, second = (t.expand(s) for t, s in zip(value.at, common, strict=True))
        return Known((first, first if common[0] == common[1] else second))
    if common == shapes:
        return value
    sizes = [a if a == b else 1 for a, b in zip(*common, strict=True)]
    return build.live("Expand", value, shape=tuple(sizes))


def _broadcast(shape: Shape, target: list[int]) -> Shape:
    try:
        return broadcast_shape(shape, target)
    except ValueError as error:
        raise ArchitectureMismatch(
            f"The shape {list(shape)} cannot be expanded to {target}. Export the model again."
        ) from error


def _identity(build: GraphBuilder, node: SourceNode) -> Value:
    return node.value(0)


SHAPES: Mapping[str, Lower] = {
    "Concat": _concat,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Identity": _identity,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
