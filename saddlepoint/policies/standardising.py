"""What a network divides its observations by before anything else."""

from math import prod

import torch
from torch import Tensor

from saddlepoint.policies.graph import OBSERVATION, Graph, Node

_PASSED = frozenset({"Add", "Clip", "Flatten", "Identity", "Reshape", "Sub"})
"""Operators that leave the unit of every entry as it is."""


def deviations_of(graph: Graph) -> list[Tensor]:
    """The vectors, one positive number for each entry of an observation, that a network divides it by in turn.

    A single number for all entries, such as the 255 of pixels, is none.
    """
    found, name = [], OBSERVATION
    while (node := _only_reader(graph, name)) is not None:
        divisor = _divisor(graph, node, name)
        if divisor is not None:
            found.append(divisor)
        elif node.op not in _PASSED and node.op not in ("Div", "Mul"):
            break
        name = node.output
    return [divisor.flatten() for divisor in found if divisor.numel() == prod(graph.observation_shape) > 1]


def _only_reader(graph: Graph, name: str) -> Node | None:
    """The one node that computes with `name` and constants alone."""
    readers = graph.consumers(name)
    if len(readers) != 1 or any(other != name and other not in graph.constants for other in readers[0].inputs):
        return None
    return readers[0]


def _divisor(graph: Graph, node: Node, name: str) -> Tensor | None:
    if node.op not in ("Div", "Mul") or node.inputs[0] != name or node.inputs[1] == name:
        return None
    constant = graph.constants[node.inputs[1]]
    if not constant.is_floating_point() or not bool((constant > 0).all()):
        return None
    return constant if node.op == "Div" else torch.reciprocal(constant)
