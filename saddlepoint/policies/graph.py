"""The graph that every importer builds, the interpreter runs and canonical ONNX spells."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from torch import Tensor

from saddlepoint.schemas.policies import HEAD_OUTPUTS, Head

Attribute = int | float | str | tuple[int, ...]
"""A static parameter of a node. Shapes and axes are attributes here, never tensors."""

OBSERVATION = "observation"
STATE, NEXT_STATE = "state_{}", "next_state_{}"
"""The k-th state that a recurrent policy carries, as input and as output."""
TAKEN_ACTION = "taken_action"
"""The action (N, D) in -1..1, as a tanh gives it, whose value a critic of actions of numbers gives."""


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

    Nodes are in an order in which they can be computed. Constants are finite float32, int64 or bool. `outputs` maps
    those of the head, (N, actions) each, and, where there is one, `value` (N,) to values. A recurrent policy also takes
    `state_k` (N, *states[k]) and gives `next_state_k` for each of its `states`. A critic beside the head gives
    `q_values` (N, actions) or, of a `taken_action` (N, actions), its `action_value` (N,).
    """

    observation_shape: tuple[int, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Tensor]
    outputs: Mapping[str, str]
    actions: int
    states: tuple[tuple[int, ...], ...] = ()

    @property
    def head(self) -> Head:
        """The kind of the policy, told by its outputs."""
        return next(head for head, names in HEAD_OUTPUTS.items() if self.outputs.keys() >= set(names))

    @property
    def takes_action(self) -> bool:
        """Whether `taken_action` is among its inputs."""
        return "action_value" in self.outputs

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
