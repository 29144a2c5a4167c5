"""Weights for graphs, and what a graph computes by its operators, one after the other."""

import torch
from torch import Tensor

from saddlepoint.policies.builder import Known
from saddlepoint.policies.graph import Graph
from saddlepoint.policies.operators import compute


def weights(*shape: int) -> Known:
    """Standard normal; the same for the same sum of sizes."""
    return Known.of(torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape))))


def run(graph: Graph, observation: Tensor) -> dict[str, Tensor]:
    """The outputs."""
    values = {"observation": observation, **graph.constants}
    for node in graph.nodes:
        values[node.output] = compute(node.op, [values[name] for name in node.inputs], node.attributes)
    return {name: values[source] for name, source in graph.outputs.items()}
