"""Where the batch lies in the inputs of a file, and how rows get there: as nodes of a graph, and as arrays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import torch
from onnx import ValueInfoProto

from saddlepoint.errors import ArchitectureMismatch, ResourceLimit, UnsupportedArchitecture
from saddlepoint.policies.builder import MAX_STATE_ELEMENTS, PROBE_BATCHES, GraphBuilder, Known, Live, Value
from saddlepoint.policies.found import Floats
from saddlepoint.policies.naming import plain
from saddlepoint.policies.onnx_inputs import Roles
from saddlepoint.policies.shapes import Shape
from saddlepoint.policies.source import Reshapes, dtype_of

_WITH_STEPS = (3, 5)
"""Axes of vectors and of pictures with a batch axis and one for the steps of a sequence."""


@dataclass(frozen=True)
class Place:
    """How an input or output of a file holds rows of `shape`: the axis of the batch, and perhaps one of a step."""

    shape: Shape
    batch: int = 0
    step: int | None = None
    """An axis of length 1, before or after the batch, for the steps of a sequence."""
    is_bare: bool = False
    """One row without a batch axis."""

    def in_file(self, rows: int) -> Shape:
        """The shape in the file of so many rows."""
        if self.is_bare:
            return self.shape
        sizes = list(self.shape)
        sizes.insert(0 if self.step is not None else self.batch, rows)
        if self.step is not None:
            sizes.insert(self.step, 1)
        return tuple(sizes)

    def entered(self, build: GraphBuilder, rows: Live) -> Live:
        """The value of the file that holds `rows` (N, *shape)."""
        if self.step is not None:
            return build.live("Reshape", rows, shape=self.in_file(-1))
        if self.batch:
            return build.live("Transpose", rows, perm=_moved(0, self.batch, len(self.shape) + 1))
        return rows

    def left(self, build: GraphBuilder, value: Value, name: str) -> Live:
        """The rows (N, *shape) of a value of the file; ArchitectureMismatch where it holds none of that shape."""
        first, second = (self.in_file(rows) for rows in PROBE_BATCHES)
        if not isinstance(value, Live) or value.shapes != (first, second):
            shape = list(value.shapes[0]) if isinstance(value, Live) else "that depends on no input"
            raise ArchitectureMismatch(
                f"What a state becomes has the shape of the state; for {PROBE_BATCHES[0]} rows the state has the shape "
                f"{list(first)}, and {plain(name)!r} one {shape}. Export both alike, and say the batch axis of states "
                'in the card: {"state_batch_axis": 0 or 1}.'
            )
        return build.live("Transpose", value, perm=_moved(self.batch, 0, len(first))) if self.batch else value

    def array(self, rows: Floats) -> Floats:
        """`entered`, of an array."""
        if self.step is not None or self.is_bare:
            return rows.reshape(self.in_file(len(rows)))
        return np.ascontiguousarray(np.moveaxis(rows, 0, self.batch))

    def rows(self, array: Floats) -> Floats:
        """The inverse of `array`."""
        return np.ascontiguousarray(np.moveaxis(array, self.batch, 0))


def _moved(source: int, target: int, rank: int) -> tuple[int, ...]:
    """The permutation that moves one axis and keeps the order of the others."""
    axes = [axis for axis in range(rank) if axis != source]
    axes.insert(target, source)
    return tuple(axes)


@dataclass(frozen=True)
class Placement:
    """One reading of the inputs of a file."""

    observation: Place
    states: tuple[Place, ...] = ()
    fixed: int | None = None
    """The batch size that the file insists on."""
    reshapes: Reshapes = "as they are"
    """Of that file."""
    guesses: tuple[str, ...] = ()


def placements(roles: Roles, state_batch_axis: int | None) -> Iterator[Placement]:
    """Every plausible reading, the likeliest first; most files have one."""
    sizes = sizes_of(roles.observation)
    if not roles.states:
        yield _alone(sizes)
        return
    found = list(_recurrent(roles, sizes, state_batch_axis))
    yield from found
    yield from (replace(item, reshapes="steps free") for item in found if item.fixed is not None)
    yield from (replace(item, reshapes="steps first") for item in found if item.fixed == 1)


def _recurrent(roles: Roles, sizes: list[int], state_batch_axis: int | None) -> Iterator[Placement]:
    for observation, told in _observations(sizes):
        for axis, also_told in _state_axes(roles, state_batch_axis):
            states = tuple(_state_place(item, axis) for item in roles.states)
            batches = [
                sizes[observation.batch],
                *(sizes_of(item)[place.batch] for item, place in _pairs(roles, states)),
            ]
            if len(set(batches) - {0}) < 2:
                fixed = max(batches) or None
                yield Placement(observation, states, fixed, guesses=(*told, *also_told))


def _pairs(roles: Roles, states: Sequence[Place]) -> Iterator[tuple[ValueInfoProto, Place]]:
    return zip(roles.states, states, strict=True)


def sizes_of(item: ValueInfoProto) -> list[int]:
    """The sizes of an input, 0 where they are free."""
    return [size.dim_value for size in item.type.tensor_type.shape.dim]


def _alone(sizes: list[int]) -> Placement:
    if len(sizes) == 1 and sizes[0] > 0:
        told = f"input of {sizes[0]} numbers taken as one observation without a batch axis"
        return Placement(Place((sizes[0],), is_bare=True), guesses=(told,))
    return Placement(_batch_first(sizes), fixed=sizes[0] or None)


def _batch_first(sizes: list[int]) -> Place:
    if len(sizes) < 2 or min(sizes[1:]) < 1:
        raise UnsupportedArchitecture(
            "An observation has the shape (N, ...) with a batch axis first and fixed sizes after it; this model's "
            f"input has the sizes {[size or '?' for size in sizes]}. Make only the batch dynamic."
        )
    return Place(tuple(sizes[1:]))


def _observations(sizes: list[int]) -> list[tuple[Place, tuple[str, ...]]]:
    """Batch and step in either order where the axes are there, then the batch alone."""
    found: list[tuple[Place, tuple[str, ...]]] = []
    if len(sizes) in _WITH_STEPS and min(sizes[2:]) > 0 and sizes[1] in (0, 1):
        rest = tuple(sizes[2:])
        told = f"input of sizes {[size or '?' for size in sizes]} taken as a sequence of one step"
        found.append((Place(rest, 0, 1), (f"{told}, batch first",)))
        if sizes[0] in (0, 1):
            found.append((Place(rest, 1, 0), (f"{told}, step first",)))
    if not found or sizes[1] > 0:
        found.append((_batch_first(sizes), ()))
    return found


def _state_axes(roles: Roles, stated: int | None) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The batch axis of the states of three axes and more; those of two have it first."""
    if stated is not None:
        yield stated, ()
        return
    wide = [sizes_of(item) for item in roles.states if len(item.type.tensor_type.shape.dim) > 2]
    free = {axis for sizes in wide for axis, size in enumerate(sizes) if size == 0}
    if not wide or len(free) == 1:
        yield (free.pop() if free else 0), ()
        return
    yield 1, ("states taken as PyTorch's recurrent layers have them, with the batch second",)
    yield 0, ("states taken with the batch first",)


def stacked_state(roles: Roles) -> UnsupportedArchitecture | None:
    """What to say of a file that cannot be read and has a state that is several of PyTorch's recurrent layers' in one.

    These are (parts, layers, N, H), which is no shape of a batch axis first or second.
    """
    batch = sizes_of(roles.observation)[0]
    return next((_stacked(item) for item in roles.states if _is_stacked(sizes_of(item), batch)), None)


def _is_stacked(sizes: Sequence[int], batch: int) -> bool:
    if len(sizes) != 4 or min(sizes[0], sizes[1], sizes[3]) < 1:
        return False
    return sizes[0] not in (1, batch) and sizes[2] in (0, batch)


def _stacked(item: ValueInfoProto) -> UnsupportedArchitecture:
    parts, layers, rows, width = sizes_of(item)
    return UnsupportedArchitecture(
        f"A state has its batch axis first or second; {plain(item.name)!r}, of the sizes "
        f"{[parts, layers, rows or '?', width]}, seems to hold {parts} states in one, with the batch third. Export "
        f"each as an input and an output of its own, such as h and c of ({layers}, N, {width}), or all in one of "
        f"({parts * layers}, N, {width})."
    )


def _state_place(item: ValueInfoProto, axis: int) -> Place:
    sizes = sizes_of(item)
    axis = axis if len(sizes) > 2 else 0
    shape = (*sizes[:axis], *sizes[axis + 1 :])
    if axis > 1 or not shape or min(shape) < 1:
        if _is_stacked(sizes, 0):
            raise _stacked(item)
        raise UnsupportedArchitecture(
            "A state has a batch axis, its first or second, and fixed sizes otherwise; that of "
            f"{plain(item.name)!r} has the sizes {[size or '?' for size in sizes]}. Make only the batch dynamic, and "
            'say where it is in the card: {"state_batch_axis": 0 or 1}.'
        )
    return Place(shape, axis)


def fixed_shape(item: ValueInfoProto, batch: int | None, rows: int) -> Shape:
    """The shape of an input that is one number throughout, for so many rows."""
    sizes = sizes_of(item)
    at = next((axis for axis, size in enumerate(sizes) if size in (0, batch)), None)
    shape = tuple(rows if axis == at else max(size, 1) for axis, size in enumerate(sizes))
    if prod(shape) > rows * MAX_STATE_ELEMENTS:
        raise ResourceLimit(
            f"An input that is one number throughout has up to {MAX_STATE_ELEMENTS} elements; that of "
            f"{plain(item.name)!r} has the sizes {sizes}. Export the policy for one step of one episode."
        )
    return shape


def fixed_value(item: ValueInfoProto, batch: int | None, number: int) -> Known:
    """Such an input as a constant."""
    dtype = dtype_of(item.type.tensor_type.elem_type)
    first, second = (torch.full(fixed_shape(item, batch, rows), number, dtype=dtype) for rows in PROBE_BATCHES)
    return Known.of(first) if first.shape == second.shape else Known((first, second))
