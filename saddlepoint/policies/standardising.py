"""What a network divides its observations by before anything else."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from saddlepoint.policies.graph import OBSERVATION, Graph, Node
from saddlepoint.schemas.attacks import MAX_EPSILON, MIN_EPSILON

_PASSED = frozenset({"Add", "Clip", "Flatten", "Identity", "Reshape", "Sub"})
"""Operators that leave the unit of every entry as it is."""


@dataclass(frozen=True)
class Deviations:
    """What a network divides each entry of an observation by, until after the first division by a vector of them."""

    unit: Tensor
    """(entries,), positive: in units of the observation, with what stands before that vector, such as a scale."""
    vectors: int
    """How many vectors it divides by in turn."""


def deviations_of(graph: Graph) -> Deviations | None:
    """None where it divides by no vector, or by nothing that an epsilon may be multiplied by.

    A single number for all entries, such as the 255 of pixels, is no vector.
    """
    unit, passed, vectors = None, torch.ones(1, dtype=torch.float64), 0
    for divisor in _divisors(graph):
        passed = passed * divisor
        if divisor.numel() > 1:
            unit, vectors = passed if unit is None else unit, vectors + 1
    if unit is None or not bool(((unit >= MIN_EPSILON) & (unit <= MAX_EPSILON)).all()):
        return None
    return Deviations(unit.float(), vectors)


def _divisors(graph: Graph) -> Iterator[Tensor]:
    """Each divisor's size, float64, (entries,) or (1,), in turn; a zero, or anything else, ends them."""
    name, entries = OBSERVATION, prod(graph.observation_shape)
    while (node := _only_reader(graph, name)) is not None:
        if node.op in ("Div", "Mul"):
            constant = graph.constants[node.inputs[1]] if node.inputs[0] == name else torch.zeros(1)
            size = constant.double().abs().flatten()
            if size.numel() not in (1, entries) or not bool((size > 0).all()):
                return
            yield size if node.op == "Div" else 1 / size
        elif node.op not in _PASSED:
            return
        name = node.output


def _only_reader(graph: Graph, name: str) -> Node | None:
    """The one node that computes with `name` and constants alone."""
    readers = graph.consumers(name)
    if len(readers) != 1 or readers[0].inputs.count(name) != 1:
        return None
    return readers[0] if all(other == name or other in graph.constants for other in readers[0].inputs) else None
