"""Probabilities that a file gives where logits are due: their logarithm, which is what their softmax undoes."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf

import numpy as np

from saddlepoint.errors import BackendDisagreement, UnsupportedArchitecture
from saddlepoint.policies.agreement import check_rows, compare, step_of
from saddlepoint.policies.found import Floats, Found, Step
from saddlepoint.policies.graph import Graph, Node
from saddlepoint.policies.naming import plain
from saddlepoint.policies.network import PolicyNetwork

SUM_TOLERANCE = 0.01
"""How far from 1 a row of probabilities may sum: clamping and 16 bits move it. Scores do not come near at every row."""
TINY = 1e-30
"""What is below counts as this, without a gradient: float32 ends at 1e-38."""


def as_logits(found: Found, output: str) -> Found:
    """The same policy, with the logarithm of the head where that holds probabilities, called `output` in the file.

    No structure tells probabilities that are clamped, mixed or divided by hand; their numbers do: none is negative and
    every row sums to 1. Raises UnsupportedArchitecture where they are too inexact for a logarithm, as 1 - p is.
    """
    graph = found.graph
    if graph.head != "logits" or found.original is None:
        return found
    rows = check_rows(graph.observation_shape, *(found.bounds or (None, None)))
    states = [np.zeros((len(rows), *shape), np.float32) for shape in graph.states]
    original = found.original(rows, states)[0]
    if not _are_probabilities(original):
        return found
    ours, _ = step_of(PolicyNetwork(graph))(rows, states)
    _check_digits(_logarithm(ours), _logarithm(original), output, is_half=found.is_half)
    told = f"output {plain(output)!r} holds probabilities (its rows sum to 1): their logarithm is taken"
    guesses = [*found.guesses, told]
    return replace(found, graph=_with_logarithm(graph), original=_logarithm_of(found.original), guesses=guesses)


def _are_probabilities(head: Floats) -> bool:
    return bool((head >= 0).all() and (np.abs(head.sum(axis=1) - 1) < SUM_TOLERANCE).all())


def _logarithm(probabilities: Floats) -> Floats:
    return np.log(np.maximum(probabilities, np.float32(TINY)))


def _logarithm_of(step: Step) -> Step:
    def logarithm(rows: Floats, states: Sequence[Floats]) -> tuple[Floats, Sequence[Floats]]:
        head, carried = step(rows, states)
        return _logarithm(head), carried

    return logarithm


def _check_digits(ours: Floats, theirs: Floats, output: str, *, is_half: bool) -> None:
    try:
        compare(ours, theirs, is_half=is_half)
    except BackendDisagreement as error:
        raise UnsupportedArchitecture(
            f"The output {plain(output)!r} holds probabilities, and the small ones have lost their digits, so that "
            "they have no logarithm to attack. Export the logits, from before the softmax or the sigmoid."
        ) from error


def _with_logarithm(graph: Graph) -> Graph:
    clipped = Node("Clip", (graph.outputs["logits"],), "clipped_probabilities", {"min": TINY, "max": inf})
    logarithm = Node("Log", (clipped.output,), "log_probabilities")
    nodes = (*graph.nodes, clipped, logarithm)
    return replace(graph, nodes=nodes, outputs={**graph.outputs, "logits": logarithm.output})
