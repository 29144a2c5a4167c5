"""LSTM, GRU and RNN, unrolled into the products, sums and activations they are made of.

ONNX states the equations: https://onnx.ai/onnx/operators/onnx__LSTM.html, onnx__GRU.html and onnx__RNN.html.
"""

from collections.abc import Callable, Mapping

import torch

from saddlepoint.errors import ArchitectureMismatch, UnsupportedOperator
from saddlepoint.policies.builder import GraphBuilder, Known, Value, rank_of, shapes_of
from saddlepoint.policies.lower_shapes import reshaped
from saddlepoint.policies.recurrent_cells import Cell, gate, lstm_step, product
from saddlepoint.policies.source import SourceNode

Lower = Callable[[GraphBuilder, SourceNode], tuple[Value, ...]]
_Propose = Callable[[Value, Value | None], tuple[Value, Value]]
"""An input and the state (None: zero) to the update gate and the state that is proposed."""
MAX_STEPS = 32
"""Of the sequence that is unrolled; a policy has one step, or a short history."""
_CELLS = {"LSTM": (4, ["Sigmoid", "Tanh", "Tanh"]), "GRU": (3, ["Sigmoid", "Tanh"]), "RNN": (1, ["Tanh"])}
"""How many gates there are, and the activations by default."""
_RELU = ["relu"]
"""The other activation that torch.nn.RNN has."""


def _cell(node: SourceNode) -> Cell:
    gates, activations = _CELLS[node.op]
    given = node.texts("activations") or activations
    direction, clip = node.text("direction", "forward"), node.float("clip", 0.0)
    lengths = node.maybe(4)
    named = [name.lower() for name in given]
    is_usual = named == [name.lower() for name in activations] or (node.op == "RNN" and named == _RELU)
    plain = direction == "forward" and is_usual
    is_odd = clip or any(node.int(name, 0) for name in ("input_forget", "layout")) or node.maybe(7) is not None
    if not plain or is_odd:
        raise UnsupportedOperator(
            f"{node.op} must run forward, steps before batch (layout 0), with its usual activations, without clip, "
            "coupled gates and peepholes; this one does not. Export a policy of torch.nn's recurrent layers, in one "
            "direction."
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
    return Cell(hidden, inputs[0], recurrent[0], *bias[0].chunk(2))


def _steps(node: SourceNode) -> int:
    """How long the sequence is."""
    x = node.live(0)
    first, second = (shape[0] if len(shape) == 3 else 0 for shape in x.shapes)
    if first != second or not 1 <= first <= MAX_STEPS:
        raise UnsupportedOperator(
            f"{node.op} takes (steps, N, numbers) with 1 to {MAX_STEPS} steps, the same at every batch size; this one "
            f"takes {list(x.shapes[0])} for two rows. Export the policy for one step, with the batch dynamic."
        )
    return first


def _step(build: GraphBuilder, node: SourceNode, number: int) -> Value:
    """Step `number` of the sequence, (N, numbers)."""
    x: Value = node.live(0)
    if _steps(node) > 1:
        x = build.apply("Slice", x, starts=(number,), ends=(number + 1,), axes=(0,), steps=(1,))
    return reshaped(build, x, lambda shape, probe: shape[1:])


def _initial(build: GraphBuilder, node: SourceNode, index: int) -> Value | None:
    """A state at the start, or None where it is zero."""
    value = node.maybe(index)
    if value is None or (isinstance(value, Known) and not any(bool(tensor.any()) for tensor in value.at)):
        return None
    if rank_of(value) != 3 or any(shape[0] != 1 for shape in shapes_of(value)):
        raise ArchitectureMismatch(
            f"A state of {node.op} has the shape (1, N, H); for two rows this one has "
            f"{list(shapes_of(value)[0])}. Give the layer one step of N rows, (1, N, numbers), and export with the "
            "batch dynamic."
        )
    return reshaped(build, value, lambda shape, probe: shape[1:])


def _lstm(build: GraphBuilder, node: SourceNode) -> tuple[Value, ...]:
    cell = _cell(node)
    h, c = (_initial(build, node, index) for index in (5, 6))
    states = []
    for number in range(_steps(node)):
        h, c = lstm_step(build, cell, _step(build, node, number), h, c)
        states.append(h)
    assert c is not None
    return (*_outputs(build, states), _with_ones(build, c, 1))


def _gru(build: GraphBuilder, node: SourceNode) -> tuple[Value, ...]:
    cell = _cell(node)
    h = _initial(build, node, 5)
    propose = _linear_first(build, cell) if node.int("linear_before_reset", 0) else _reset_first(build, cell)
    states = []
    for number in range(_steps(node)):
        update, proposed = propose(_step(build, node, number), h)
        if h is None:
            h = build.apply("Sub", proposed, build.apply("Mul", update, proposed))
        else:
            h = build.apply("Add", proposed, build.apply("Mul", update, build.apply("Sub", h, proposed)))
        states.append(h)
    return _outputs(build, states)


def _rnn(build: GraphBuilder, node: SourceNode) -> tuple[Value, ...]:
    cell = _cell(node)
    h = _initial(build, node, 5)
    is_relu = [name.lower() for name in node.texts("activations") or ()] == _RELU
    states = []
    for number in range(_steps(node)):
        total = product(build, _step(build, node, number), cell.inputs, cell.bias)
        if h is not None:
            total = build.apply("Add", total, product(build, h, cell.recurrent))
        h = build.apply("Relu" if is_relu else "Tanh", total)
        states.append(h)
    return _outputs(build, states)


def _linear_first(build: GraphBuilder, cell: Cell) -> _Propose:
    """The state goes through its weights, then through the reset gate, as PyTorch has it."""

    def propose(x: Value, h: Value | None) -> tuple[Value, Value]:
        given = product(build, x, cell.inputs, cell.input_bias)
        held: Value = Known.of(cell.recurrent_bias[None])
        if h is not None:
            held = product(build, h, cell.recurrent, cell.recurrent_bias)
        gates = build.apply("Add", gate(build, given, cell, 0, 2), gate(build, held, cell, 0, 2))
        update, reset = _update_and_reset(build, cell, gates)
        kept = build.apply("Mul", reset, gate(build, held, cell, 2))
        return update, build.apply("Tanh", build.apply("Add", gate(build, given, cell, 2), kept))

    return propose


def _reset_first(build: GraphBuilder, cell: Cell) -> _Propose:
    """The state goes through the reset gate, then through its weights, as in the paper (Cho et al. 2014)."""
    of_gates, of_proposal = cell.recurrent[: 2 * cell.hidden], cell.recurrent[2 * cell.hidden :]

    def propose(x: Value, h: Value | None) -> tuple[Value, Value]:
        given = product(build, x, cell.inputs, cell.bias)
        gates, proposal = gate(build, given, cell, 0, 2), gate(build, given, cell, 2)
        if h is None:
            return _update_and_reset(build, cell, gates)[0], build.apply("Tanh", proposal)
        update, reset = _update_and_reset(build, cell, build.apply("Add", gates, product(build, h, of_gates)))
        kept = product(build, build.apply("Mul", reset, h), of_proposal)
        return update, build.apply("Tanh", build.apply("Add", proposal, kept))

    return propose


def _update_and_reset(build: GraphBuilder, cell: Cell, gates: Value) -> tuple[Value, Value]:
    sigmoids = build.apply("Sigmoid", gates)
    return gate(build, sigmoids, cell, 0), gate(build, sigmoids, cell, 1)


def _outputs(build: GraphBuilder, states: list[Value]) -> tuple[Value, Value]:
    """Every step (steps, 1, N, H), and the last state (1, N, H)."""
    steps = [_with_ones(build, state, 2) for state in states]
    sequence = steps[0] if len(steps) == 1 else build.apply("Concat", *steps, axis=0)
    return sequence, _with_ones(build, states[-1], 1)


def _with_ones(build: GraphBuilder, value: Value, count: int) -> Value:
    return reshaped(build, value, lambda shape, probe: (1,) * count + shape)


RECURRENT: Mapping[str, Lower] = {"GRU": _gru, "LSTM": _lstm, "RNN": _rnn}
