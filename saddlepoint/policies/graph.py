"""The graph that every importer builds, the interpreter runs and canonical ONNX spells."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from torch import Tensor

Attribute = int | float | str | tuple[int, ...]
"""A static parameter of a node. Shapes and axes are attributes here, never tensors."""

OBSERVATION = "observation"


@dataclass(frozen=True)
class Node:
    """One operator application; `op` is a key of `operators.OPERATORS`."""

    op: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """A pure function from `observation` (N, *observation_shape) float32 to the named outputs.

    Nodes are in an order in which they can be computed. Constants are finite float32 or int64.
    `outputs` maps `logits` (N, A) and, where there is one, `value` (N,) to values.
    """

    observation_shape: tuple[int, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Tensor]
    outputs: Mapping[str, str]
    actions: int

    def consumers(self, name: str) -> list[Node]:
        """The nodes that read `name`."""
        return [node for node in self.nodes if name in node.inputs]


def live_part(graph: Graph) -> Graph:
    """The graph without nodes and constants on which no output depends."""
    needed = set(graph.outputs.values())
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if node.output in needed:
            needed.update(node.inputs)
            kept.append(node)
    constants = {name: value for name, value in graph.constants.items() if name in needed}
    return replace(graph, nodes=tuple(reversed(kept)), constants=constants)
