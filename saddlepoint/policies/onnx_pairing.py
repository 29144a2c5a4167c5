"""Which output a state becomes where shapes do not tell: an LSTM's two states have the same."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from onnx import GraphProto, NodeProto

from saddlepoint.policies.lowering import producers

Kind = Literal["hidden", "cell"]
_CARRIERS = frozenset(
    {"Cast", "Concat", "Expand", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"}
)
_MADE_BY: Mapping[str, Kind] = {"Mul": "hidden", "Add": "cell"}
_DIRECTIONS = frozenset(
    {"in", "ins", "input", "old", "prev", "previous", "last", "out", "outs", "output", "new", "next", "updated"}
)
"""Words that tell a state from what it becomes."""
_FAR = 256
"""How many nodes are looked at from one state."""


def paired(graph: GraphProto, states: Sequence[str], outputs: Sequence[str]) -> dict[str, str]:
    """The states with what they become: an LSTM's hidden states and cells among themselves, by name, else in order.

    The hidden state goes into a matrix product and comes from a gate times a tanh; the cell is multiplied by one gate
    and comes from a sum. Where that is not to be seen, names and the order of the file stand.
    """
    readers: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    made = producers(graph)
    given = [_read_as(readers, name) for name in states]
    found = [_made_as(made, name) for name in outputs]
    if Counter(found) != Counter(given):
        return _by_name(states, outputs)
    pairs: dict[str, str] = {}
    for kind in dict.fromkeys(given):
        of_kind = [name for name, its in zip(states, given, strict=True) if its == kind]
        pairs |= _by_name(of_kind, [name for name, its in zip(outputs, found, strict=True) if its == kind])
    return pairs


def _by_name(states: Sequence[str], outputs: Sequence[str]) -> dict[str, str]:
    """Pairs of one name but for words such as `in` and `next`, if all are; else pairs in order."""
    begun, ended = ({_without_direction(name): name for name in names} for names in (states, outputs))
    if begun.keys() == ended.keys() and len(begun) == len(states) == len(outputs):
        return {name: ended[key] for key, name in begun.items()}
    return dict(zip(states, outputs, strict=True))


def _without_direction(name: str) -> tuple[str, ...]:
    words = re.split(r"[^a-z0-9]+", name.lower())
    return tuple(word for word in words if word and word not in _DIRECTIONS)


def _read_as(readers: Mapping[str, Sequence[NodeProto]], state: str) -> Kind:
    """What a state is by the first nodes that compute with it, behind masks."""
    for node, name in _ahead(readers, state):
        if node.op_type in ("LSTM", "GRU", "RNN"):
            return "cell" if list(node.input).index(name) == 6 else "hidden"
        if node.op_type in ("Gemm", "MatMul"):
            return "hidden"
    return "cell"


def _ahead(readers: Mapping[str, Sequence[NodeProto]], name: str) -> Iterator[tuple[NodeProto, str]]:
    """The readers of a value, also of what moves and factors make of it, each with what it reads."""
    pending, seen = [name], 0
    while pending:
        current = pending.pop()
        for node in readers.get(current, ()):
            seen += 1
            if seen > _FAR:
                return
            yield node, current
            if node.op_type == "Mul" or node.op_type in _CARRIERS:
                pending.extend(node.output)


def _made_as(made: Mapping[str, NodeProto], output: str) -> Kind | None:
    """What an output is by the node that computes it, behind moves."""
    name = output
    for _ in range(_FAR):
        node = made.get(name)
        if node is None or not node.input:
            return None
        if node.op_type == "LSTM":
            return "cell" if list(node.output).index(name) == 2 else "hidden"
        if node.op_type not in _CARRIERS:
            return _MADE_BY.get(node.op_type)
        name = node.input[0]
    return None
