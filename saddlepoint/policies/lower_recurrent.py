"""LSTM and GRU, unrolled into the products, sums and activations they are made of.

ONNX states the equations: https://onnx.ai/onnx/operators/onnx__LSTM.html and onnx__GRU.html.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch, UnsupportedOperator
from saddlepoint.policies.builder import GraphBuilder, Known, Value, rank_of, shapes_of
from saddlepoint.policies.lower_shapes import reshaped
from saddlepoint.policies.source import SourceNode

Lower = Callable[[GraphBuilder, SourceNode], tuple[Value, ...]]
MAX_STEPS = 32
"""Of the sequence that is unrolled; a policy has one step, or a short history."""
_CELLS = {"LSTM": (4, ["Sigmoid", "Tanh", "Tanh"]), "GRU": (3, ["Sigmoid", "Tanh"])}
"""How many gates there are, and the activations by default."""


@dataclass(frozen=True)
class _Cell:
    """The weights of one layer, (gates * hidden, inputs), (gates * hidden, hidden) and (gates * hidden,) twice."""

    hidden: int
    inputs: Tensor
    recurrent: Tensor
    input_bias: Tensor
    recurrent_bias: Tensor

    def rows(self, start: int, end: int) -> "_Cell":
        """The gates number `start` to `end`."""
        part = slice(start * self.hidden, end * self.hidden)
        weights = (self.inputs, self.recurrent, self.input_bias, self.recurrent_bias)
        return _Cell(self.hidden, *(tensor[part] for tensor in weights))


def _cell(node: SourceNode) -> _Cell:
    gates, activations = _CELLS[node.op]
    given = node.texts("activations") or activations
    direction, clip = node.text("direction", "forward"), node.float("clip", 0.0)
    lengths = node.maybe(4)
    plain = direction == "forward" and [name.lower() for name in given] == [name.lower() for name in activations]
    if not plain or clip or node.int("input_forget", 0) or node.maybe(7) is not None:
        raise UnsupportedOperator(
            f"{node.op} must run forward with its usual activations, without clip, coupled gates and peepholes; this "
            "one does not. Export a policy of torch.nn's recurrent layers, in one direction."
        )
    inputs, recurrent = node.constant(1), node.constant(2)
    hidden = recurrent.shape[-1] if recurrent.ndim else 0
    bias = torch.zeros(1, 2 * gates * hidden) if node.maybe(3) is None else node.constant(3)
    shapes = (tuple(inputs.shape[:2]), tuple(recurrent.shape), tuple(bias.shape))
    fits = shapes == ((1, gates * hidden), (1, gates * hidden, hidden), (1, 2 * gates * hidden)) and inputs.ndim == 3
    if not fits or node.int("hidden_size", hidden) != hidden:
        raise ArchitectureMismatch(
            f"The weights of {node.op} must have the shapes (1, {gates}H, I), (1, {gates}H, H) and (1, {2 * gates}H); "
            f"these have {list(inputs.shape)}, {list(recurrent.shape)} and {list(bias.shape)}. Export the model again."
        )
    if lengths is not None and any(bool((tensor != _steps(node)).any()) for tensor in node.known(4).at):
        raise UnsupportedOperator(f"Every row of a {node.op} must use the whole sequence; here lengths differ.")
    return _Cell(hidden, inputs[0], recurrent[0], *bias[0].chunk(2))


def _steps(node: SourceNode) -> int:
    """How long the sequence is."""
    x = node.live(0)
    axis = 1 if node.int("layout", 0) else 0
    first, second = (shape[axis] if len(shape) == 3 else 0 for shape in shapes_of(x))
    if first != second or not 1 <= first <= MAX_STEPS:
        raise UnsupportedOperator(
            f"{node.op} takes (steps, N, numbers) with 1 to {MAX_STEPS} steps, the same at every batch size; this one "
            f"takes {list(shapes_of(x)[0])} for two rows. Export the policy for one step, with the batch dynamic."
        )
    return first


def _part(build: GraphBuilder, node: SourceNode, index: int, number: int, *, is_state: bool = False) -> Value:
    """Step `number` of a sequence, or the one direction of a state, as (N, numbers)."""
    axis = 1 if node.int("layout", 0) else 0
    value = node.value(index)
    if rank_of(value) != 3 or (is_state and any(shape[axis] != 1 for shape in shapes_of(value))):
        raise ArchitectureMismatch(
            f"A state of {node.op} has the shape (1, N, H); this one is {list(shapes_of(value)[0])}. Export it again."
        )
    if any(shape[axis] != 1 for shape in shapes_of(value)):
        value = build.apply("Slice", value, starts=(number,), ends=(number + 1,), axes=(axis,), steps=(1,))
    return reshaped(build, value, lambda shape, probe: (*shape[:axis], *shape[axis + 1 :]))


def _initial(build: GraphBuilder, node: SourceNode, index: int) -> Value | None:
    """A state at the start, or None where it is zero."""
    value = node.maybe(index)
    if value is None or (isinstance(value, Known) and not any(bool(tensor.any()) for tensor in value.at)):
        return None
    return _part(build, node, index, 0, is_state=True)


def _gate(build: GraphBuilder, x: Value, cell: _Cell, at: int, count: int = 1) -> Value:
    start, end = at * cell.hidden, (at + count) * cell.hidden
    return build.apply("Slice", x, starts=(start,), ends=(end,), axes=(1,), steps=(1,))


def _added(build: GraphBuilder, cell: _Cell, x: Value, h: Value | None) -> Value:
    """What inputs and state give together, biases included."""
    total = build.apply("Gemm", x, Known.of(cell.inputs), Known.of(cell.input_bias + cell.recurrent_bias))
    if h is None:
        return total
    return build.apply("Add", total, build.apply("Gemm", h, Known.of(cell.recurrent)))


def _lstm(build: GraphBuilder, node: SourceNode) -> tuple[Value, ...]:
    cell = _cell(node)
    h, c = (_initial(build, node, index) for index in (5, 6))
    states = []
    for number in range(_steps(node)):
        gates = _added(build, cell, _part(build, node, 0, number), h)
        # Input, output and forget gates, then the cell's own.
        sigmoids = build.apply("Sigmoid", _gate(build, gates, cell, 0, 3))
        into, out, keep = (_gate(build, sigmoids, cell, at) for at in range(3))
        added = build.apply("Mul", into, build.apply("Tanh", _gate(build, gates, cell, 3)))
        c = added if c is None else build.apply("Add", build.apply("Mul", keep, c), added)
        h = build.apply("Mul", out, build.apply("Tanh", c))
        states.append(h)
    return _outputs(build, node, states, c)


def _gru(build: GraphBuilder, node: SourceNode) -> tuple[Value, ...]:
    cell = _cell(node)
    h = _initial(build, node, 5)
    states = []
    for number in range(_steps(node)):
        x = _part(build, node, 0, number)
        # Update and reset gates.
        sigmoids = build.apply("Sigmoid", _added(build, cell.rows(0, 2), x, h))
        update, reset = (_gate(build, sigmoids, cell, at) for at in range(2))
        proposed = build.apply(
            "Tanh", _proposal(build, cell.rows(2, 3), x, h, reset, node.int("linear_before_reset", 0))
        )
        if h is None:
            h = build.apply("Sub", proposed, build.apply("Mul", update, proposed))
        else:
            h = build.apply("Add", proposed, build.apply("Mul", update, build.apply("Sub", h, proposed)))
        states.append(h)
    return _outputs(build, node, states, None)


def _proposal(build: GraphBuilder, cell: _Cell, x: Value, h: Value | None, reset: Value, linear_first: int) -> Value:
    if not linear_first:
        return _added(build, cell, x, None if h is None else build.apply("Mul", reset, h))
    given = build.apply("Gemm", x, Known.of(cell.inputs), Known.of(cell.input_bias))
    held: Value = Known.of(cell.recurrent_bias)
    if h is not None:
        held = build.apply("Gemm", h, Known.of(cell.recurrent), held)
    return build.apply("Add", given, build.apply("Mul", reset, held))


def _outputs(build: GraphBuilder, node: SourceNode, states: list[Value], c: Value | None) -> tuple[Value, ...]:
    """Every step, the last state and the last cell, in the layout of the node."""
    is_batch_first = bool(node.int("layout", 0))

    def with_ones(value: Value, count: int) -> Value:
        return reshaped(
            build,
            value,
            lambda shape, probe: (shape[0], *(1,) * count, shape[1]) if is_batch_first else ((1,) * count + shape),
        )

    steps = [with_ones(state, 2) for state in states]
    sequence = steps[0] if len(steps) == 1 else build.apply("Concat", *steps, axis=1 if is_batch_first else 0)
    last = with_ones(states[-1], 1)
    return (sequence, last) if c is None else (sequence, last, with_ones(c, 1))


RECURRENT: Mapping[str, Lower] = {"GRU": _gru, "LSTM": _lstm}
