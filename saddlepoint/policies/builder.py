"""Builds canonical graphs: infers every shape, folds what is constant, and bounds both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor

from saddlepoint.errors import (
    ArchitectureMismatch,
    NonFiniteWeights,
    ResourceLimit,
    UnsupportedArchitecture,
    UnsupportedOperator,
)
from saddlepoint.policies.graph import NEXT_STATE, OBSERVATION, STATE, TAKEN_ACTION, Attribute, Graph, Node, live_part
from saddlepoint.policies.operators import OPERATORS, compute
from saddlepoint.policies.shapes import Shape
from saddlepoint.schemas.policies import HEAD_OUTPUTS

PROBE_BATCHES = (2, 3)
"""Two batch sizes at which every shape is inferred: what differs between them depends on the batch."""
MAX_NODES = 4096
MAX_ROW_ELEMENTS = 2**22
"""Of one value per row of the batch: a Nature CNN's largest has 12,800."""
MAX_FOLDED_ELEMENTS = 2**22
"""Of one constant that is larger than what it was computed from."""
MAX_FOLDED_TOTAL = 2**28
MAX_STATES, MAX_STATE_ELEMENTS = 16, 2**20


@dataclass(frozen=True)
class Known:
    """A constant, or what follows from the batch size alone: its value at either probe batch."""

    at: tuple[Tensor, Tensor]

    @classmethod
    def of(cls, tensor: Tensor) -> "Known":
        return cls((tensor, tensor))


@dataclass(frozen=True)
class Live:
    """A value that depends on the observation; `is_bytes` until a uint8 observation is cast to float."""

    name: str
    shapes: tuple[Shape, Shape]
    is_bytes: bool = False
    is_flag: bool = False
    """Whether it is a comparison, true or false."""


Value = Known | Live


def shapes_of(value: Value) -> tuple[Shape, Shape]:
    """The shapes of a value at both probe batches."""
    if isinstance(value, Live):
        return value.shapes
    return tuple(value.at[0].shape), tuple(value.at[1].shape)


def rank_of(value: Value) -> int:
    """How many axes a value has."""
    return len(shapes_of(value)[0])


_HEADS = frozenset(name for names in HEAD_OUTPUTS.values() for name in names)
_MOVES_ONLY = frozenset({"Reshape", "Transpose", "Slice", "Gather", "Concat", "Expand"})
_FLAGS = frozenset({"And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Or"})


class GraphBuilder:
    """Grows a graph from its observation, value by value, under names of its own making."""

    def __init__(self, observation_shape: Sequence[int], *, as_bytes: bool = False) -> None:
        shape = tuple(observation_shape)
        if not shape or min(shape) < 1 or prod(shape) > MAX_ROW_ELEMENTS:
            raise UnsupportedArchitecture(
                f"An observation has 1 to {MAX_ROW_ELEMENTS} numbers in fixed positive dimensions; "
                f"this policy asks for {list(shape)}. Export it with a fixed observation shape."
            )
        first, second = PROBE_BATCHES
        self.observation = Live(OBSERVATION, ((first, *shape), (second, *shape)), as_bytes)
        self.states: list[Live] = []
        self._shape = shape
        self._nodes: dict[str, Node] = {}
        self._constants: dict[str, Tensor] = {}
        # By the identity of the tensor given, which is kept: a freed one's identity is used again.
        self._names: dict[int, tuple[str, Tensor]] = {}
        self._live: dict[str, Live] = {OBSERVATION: self.observation}
        self._folded = 0

    def apply(self, op: str, *inputs: Value, **attributes: Attribute) -> Value:
        """The value of `op`, computed at once where nothing in it depends on the observation."""
        known = [value for value in inputs if isinstance(value, Known)]
        if len(known) == len(inputs):
            return self._fold(op, known, attributes)
        return self._emit(op, inputs, attributes)

    def live(self, op: str, *inputs: Value, **attributes: Attribute) -> Live:
        """`apply` where at least one input is live."""
        return self._emit(op, inputs, attributes)

    def state(self, shape: Sequence[int]) -> Live:
        """One more input, a state (N, *shape) that a recurrent policy carries from step to step."""
        if len(self.states) >= MAX_STATES or min(shape, default=0) < 1 or prod(shape) > MAX_STATE_ELEMENTS:
            raise UnsupportedArchitecture(
                f"A recurrent policy carries at most {MAX_STATES} states of 1 to {MAX_STATE_ELEMENTS} numbers in fixed "
                f"positive dimensions; number {len(self.states) + 1} of this one has the shape {list(shape)}. "
                "Export it with states of a fixed shape."
            )
        first, second = PROBE_BATCHES
        live = Live(STATE.format(len(self.states)), ((first, *shape), (second, *shape)))
        self.states.append(live)
        self._live[live.name] = live
        return live

    def taken_action(self, size: int) -> Live:
        """One more input, an action (N, size) for a critic to judge."""
        first, second = PROBE_BATCHES
        live = Live(TAKEN_ACTION, ((first, size), (second, size)))
        self._live[live.name] = live
        return live

    def finish(self, *, next_states: Sequence[Live] = (), **outputs: Live) -> Graph:
        """The graph of these outputs, and of what each state becomes, without anything that they do not need."""
        names = {name: live.name for name, live in outputs.items()}
        names |= {NEXT_STATE.format(index): live.name for index, live in enumerate(next_states)}
        if [live.shapes for live in next_states] != [live.shapes for live in self.states]:
            raise ArchitectureMismatch(
                "A recurrent policy gives a next state of the same shape for each of its states; it takes states of "
                f"{[list(live.shapes[0][1:]) for live in self.states]} and gives states of "
                f"{[list(live.shapes[0][1:]) for live in next_states]} numbers a row. Export all of its states."
            )
        nodes = tuple(self._nodes.values())
        actions = next(live for name, live in outputs.items() if name in _HEADS).shapes[0][1]
        states = tuple(live.shapes[0][1:] for live in self.states)
        return live_part(Graph(self._shape, nodes, dict(self._constants), names, actions, states))

    def _fold(self, op: str, inputs: Sequence[Known], attributes: Mapping[str, Attribute]) -> Known:
        first = self._compute(op, [value.at[0] for value in inputs], attributes)
        if all(value.at[0] is value.at[1] for value in inputs):
            return Known.of(first)
        return Known((first, self._compute(op, [value.at[1] for value in inputs], attributes)))

    def _compute(self, op: str, inputs: list[Tensor], attributes: Mapping[str, Attribute]) -> Tensor:
        shape = _output_shape(op, [tuple(tensor.shape) for tensor in inputs], attributes)
        self.charge(prod(shape), given=sum(tensor.numel() for tensor in inputs))
        return compute(op, inputs, attributes)

    def charge(self, elements: int, *, given: int = 0) -> None:
        """Account for a constant of so many elements, made from `given` ones, before it is made."""
        self._folded += elements
        if elements > max(MAX_FOLDED_ELEMENTS, given) or self._folded > MAX_FOLDED_TOTAL:
            raise ResourceLimit(
                f"A constant that a model computes may have {MAX_FOLDED_ELEMENTS} elements; "
                f"this one would have {elements}. Store it as a weight, or export a smaller model."
            )

    def _emit(self, op: str, inputs: Sequence[Value], attributes: Mapping[str, Attribute]) -> Live:
        if op in ("Transpose", "Reshape") and isinstance(inputs[0], Live):
            return self._move(op, inputs[0], attributes)
        return self._append(op, inputs, attributes)

    def _move(self, op: str, x: Live, attributes: Mapping[str, Attribute]) -> Live:
        """A transpose or reshape, one with the last if that was of the same kind, none if it moves nothing.

        Exporters for other layouts surround convolutions with pairs of them.
        """
        before = self._nodes.get(x.name)
        if before is not None and before.op == op:
            source = replace(self._live[before.inputs[0]], is_bytes=x.is_bytes)
            x, attributes = source, _joined(op, before.attributes, attributes)
        is_idle = op == "Transpose" and attributes["perm"] == tuple(range(rank_of(x)))
        if not is_idle and op == "Reshape":
            shapes = tuple(_output_shape(op, [shape], attributes) for shape in x.shapes)
            is_idle = shapes == x.shapes
        return x if is_idle else self._append(op, [x], attributes)

    def _append(self, op: str, inputs: Sequence[Value], attributes: Mapping[str, Attribute]) -> Live:
        self._check_bytes(op, inputs)
        names = tuple(self._name_of(op, value) for value in inputs)
        shapes = (
            self._shape_at(0, op, names, attributes),
            self._shape_at(1, op, names, attributes),
        )
        is_bytes = any(isinstance(value, Live) and value.is_bytes for value in inputs)
        moves_flag = op in _MOVES_ONLY and any(isinstance(value, Live) and value.is_flag for value in inputs)
        node = Node(op, names, f"v{len(self._nodes)}", attributes)
        if len(self._nodes) >= MAX_NODES:
            raise ResourceLimit(f"A policy may have {MAX_NODES} operations; this one has more.")
        self._nodes[node.output] = node
        live = Live(node.output, shapes, is_bytes, is_flag=moves_flag or op in _FLAGS)
        self._live[live.name] = live
        return live

    def _check_bytes(self, op: str, inputs: Sequence[Value]) -> None:
        if op in _MOVES_ONLY:
            return
        if any(isinstance(value, Live) and value.is_bytes for value in inputs):
            raise UnsupportedOperator(
                f"The model computes {op} on uint8 numbers; integer arithmetic has no gradient. "
                "Cast the observation to float32 first."
            )

    def _name_of(self, op: str, value: Value) -> str:
        if isinstance(value, Live):
            return value.name
        tensor = _independent_of_batch(op, value)
        if id(tensor) not in self._names:
            name = f"c{len(self._constants)}"
            self._constants[name] = _checked(tensor)
            self._names[id(tensor)] = name, tensor
        return self._names[id(tensor)][0]

    def _shape_at(self, probe: int, op: str, names: Sequence[str], attributes: Mapping[str, Attribute]) -> Shape:
        inputs = [
            self._live[name].shapes[probe] if name in self._live else tuple(self._constants[name].shape)
            for name in names
        ]
        shape = _output_shape(op, inputs, attributes)
        if prod(shape) > MAX_ROW_ELEMENTS * PROBE_BATCHES[probe]:
            raise ResourceLimit(
                f"A value of a policy may have {MAX_ROW_ELEMENTS} elements a row; the output of "
                f"{op} has the shape {list(shape)}."
            )
        return shape


def _joined(op: str, first: Mapping[str, Attribute], then: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
    if op == "Reshape":
        return then
    inner, outer = first["perm"], then["perm"]
    assert isinstance(inner, tuple)
    assert isinstance(outer, tuple)
    return {"perm": tuple(inner[axis] for axis in outer)}


def _output_shape(op: str, inputs: Sequence[Shape], attributes: Mapping[str, Attribute]) -> Shape:
    if op not in OPERATORS:
        raise UnsupportedOperator(f"The operator {op!r} is not among those a policy may use.")
    try:
        return OPERATORS[op].shape(*inputs, **attributes)
    except (ValueError, IndexError, TypeError) as error:
        shapes = ", ".join(str(list(shape)) for shape in inputs)
        raise ArchitectureMismatch(
            f"The inputs of every operation must fit it; {op} cannot take the shapes {shapes}. "
            "Export the model again, with a dynamic batch axis."
        ) from error


def _independent_of_batch(op: str, value: Known) -> Tensor:
    """The one tensor that stands for `value` at every batch size, by broadcasting if need be."""
    first, second = value.at
    if first is second or (first.shape == second.shape and torch.equal(first, second)):
        return first
    differ = [axis for axis in range(min(first.ndim, second.ndim)) if first.shape[axis] != second.shape[axis]]
    if first.ndim == second.ndim and len(differ) == 1:
        narrow = first.narrow(differ[0], 0, 1)
        if all(torch.equal(tensor, narrow.expand_as(tensor)) for tensor in (first, second)):
            return narrow
    raise UnsupportedArchitecture(
        f"A row of a policy's output may not depend on the batch size, but an input of {op} does. "
        "Export the model for a batch of 1."
    )


def _checked(tensor: Tensor) -> Tensor:
    """`tensor` as graphs hold it: contiguous, float32, int64 or bool, finite."""
    if tensor.is_floating_point():
        tensor = tensor.to(torch.float32)
        if not bool(torch.isfinite(tensor).all()):
            raise NonFiniteWeights(
                "Every weight must be a finite float32; this policy holds NaN or infinity. "
                "Export a checkpoint from before the training diverged."
            )
        return tensor.contiguous()
    return (tensor if tensor.dtype == torch.bool else tensor.to(torch.int64)).contiguous()
