"""Which constants of a policy's graph are weights to train, and under which names."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from saddlepoint.policies.graph import Graph, Node

LAYERS = frozenset({"Conv", "Gemm", "MatMul"})
_NAMES = {"Conv": "conv", "Gemm": "dense", "LayerNormalization": "norm", "MatMul": "matmul", "PRelu": "prelu"}
_KINDS = ("weight", "bias")
_POSITIVE = frozenset({"Log", "Pow", "Sqrt"})
"""What stands straight before these must stay positive: the variance of gSDE is such a layer."""
LOG_STD = "free_log_std"
"""The name of a deviation that is the same at every observation, which is a weight too."""


def with_named_weights(graph: Graph) -> tuple[Graph, frozenset[str]]:
    """The graph with its weights under names that tell their layer, in the order of the graph, and those names.

    What else a graph holds, such as the scale of its pixels, the statistics of its observations and the folded ones of
    a batch normalisation, stays as it is.
    """
    names: dict[str, str] = {}
    for index, node in enumerate(node for node in graph.nodes if weights_of(node, graph)):
        for kind, constant in zip(_KINDS, weights_of(node, graph), strict=False):
            names.setdefault(constant, f"{_NAMES[node.op]}{index}_{kind}")
    kept = {LOG_STD} & graph.constants.keys()
    return _renamed(graph, names), frozenset(names.values()) | kept


def weights_of(node: Node, graph: Graph) -> list[str]:
    """The constants of a layer that are trained: its weight and, where it has one, its bias."""
    if node.op not in _NAMES or _must_stay_positive(node, graph):
        return []
    own = [name for name in node.inputs if name in graph.constants]
    is_bare = node.op in LAYERS and len(own) == 1 and len(node.inputs) == 2
    return [*own, *_added(node, graph)] if is_bare else own


def input_of(node: Node, graph: Graph) -> str:
    """What a layer reads."""
    return next(name for name in node.inputs if name not in graph.constants)


def _must_stay_positive(node: Node, graph: Graph) -> bool:
    return any(reader.op in _POSITIVE for reader in graph.consumers(node.output))


def _added(node: Node, graph: Graph) -> Iterator[str]:
    """The bias of a layer that exporters add in a node of its own."""
    readers = graph.consumers(node.output)
    if len(readers) == 1 and readers[0].op == "Add":
        added = (name for name in readers[0].inputs if name in graph.constants)
        yield from (name for name in added if graph.constants[name].numel() > 1)


def _renamed(graph: Graph, names: Mapping[str, str]) -> Graph:
    nodes = tuple(replace(node, inputs=tuple(names.get(name, name) for name in node.inputs)) for node in graph.nodes)
    constants = {names.get(name, name): tensor for name, tensor in graph.constants.items()}
    return replace(graph, nodes=nodes, constants=constants)
