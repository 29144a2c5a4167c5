"""What one step of a recurrent layer is made of, with its gates in ONNX's order."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from saddlepoint.policies.builder import GraphBuilder, Known, Value


@dataclass(frozen=True)
class Cell:
    """The weights of one layer, (gates * hidden, inputs), (gates * hidden, hidden) and (gates * hidden,) twice."""

    hidden: int
    inputs: Tensor
    recurrent: Tensor
    input_bias: Tensor
    recurrent_bias: Tensor

    @cached_property
    def bias(self) -> Tensor:
        """Both biases: the same tensor at every step, so that the graph holds it once."""
        return self.input_bias + self.recurrent_bias


def gate(build: GraphBuilder, x: Value, cell: Cell, at: int, count: int = 1) -> Value:
    """`count` gates of (N, gates * hidden), from number `at` on."""
    start, end = at * cell.hidden, (at + count) * cell.hidden
    return build.apply("Slice", x, starts=(start,), ends=(end,), axes=(1,), steps=(1,))


def product(build: GraphBuilder, x: Value, weight: Tensor, bias: Tensor | None = None) -> Value:
    """x W^T + b."""
    return build.apply("Gemm", x, Known.of(weight), *([] if bias is None else [Known.of(bias)]))


def lstm_step(build: GraphBuilder, cell: Cell, x: Value, h: Value | None, c: Value | None) -> tuple[Value, Value]:
    """The state (N, hidden) and the cell's (N, hidden) after one step; None stands for zero."""
    gates = product(build, x, cell.inputs, cell.bias)
    if h is not None:
        gates = build.apply("Add", gates, product(build, h, cell.recurrent))
    # Input, output and forget gates, then the cell's own.
    sigmoids = build.apply("Sigmoid", gate(build, gates, cell, 0, 3))
    into, out, keep = (gate(build, sigmoids, cell, at) for at in range(3))
    added = build.apply("Mul", into, build.apply("Tanh", gate(build, gates, cell, 3)))
    c = added if c is None else build.apply("Add", build.apply("Mul", keep, c), added)
    return build.apply("Mul", out, build.apply("Tanh", c)), c
