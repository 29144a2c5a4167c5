"""Flattening as it lies in memory: convolutions are computed channels last, a flattened picture is channels first."""

from dataclasses import replace
from math import prod

from torch import Tensor

from saddlepoint.policies import shapes
from saddlepoint.policies.graph import OBSERVATION, STATE, TAKEN_ACTION, Graph, Node, live_part
from saddlepoint.policies.operators import OPERATORS
from saddlepoint.policies.shapes import Shape

_CHANNELS_LAST = ("Conv", "MaxPool", "AveragePool")
_KEEPS_LAYOUT = (shapes.same, shapes.binary, shapes.broadcast)
_ROWS = 2
"""Any number of rows at which shapes are told."""


def flatten_channels_last(graph: Graph) -> Graph:
    """Let a linear layer on flattened features of a convolution read them in the order in which they lie.

    Its weights are reordered instead. Flattening is then a view, and so is its gradient: nothing is copied, and
    what is elementwise meets operands of one layout.
    """
    known = value_shapes(graph)
    for node in graph.nodes:
        readers = graph.consumers(node.output)
        if _flattens(node, known) and _lies_channels_last(node.inputs[0], graph) and _is_free(node, readers, graph):
            graph = _reordered(graph, node, readers, known[node.inputs[0]])
    return graph


def value_shapes(graph: Graph) -> dict[str, Shape]:
    """The shape of every value of the graph for a batch of a few rows."""
    known: dict[str, Shape] = {name: tuple(constant.shape) for name, constant in graph.constants.items()}
    known[OBSERVATION] = (_ROWS, *graph.observation_shape)
    known[TAKEN_ACTION] = (_ROWS, graph.actions)
    known |= {STATE.format(at): (_ROWS, *shape) for at, shape in enumerate(graph.states)}
    for node in graph.nodes:
        inputs = [known[name] for name in node.inputs]
        known[node.output] = OPERATORS[node.op].shape(*inputs, **node.attributes)
    return known


def _flattens(node: Node, known: dict[str, Shape]) -> bool:
    if node.op != "Reshape" or len(known[node.inputs[0]]) != 4:
        return False
    rows, *picture = known[node.inputs[0]]
    return known[node.output] == (rows, prod(picture)) and node.attributes["shape"] == (-1, prod(picture))


def _lies_channels_last(name: str, graph: Graph) -> bool:
    """Whether `name` is of a convolution or a pooling, or elementwise of one."""
    makers = {node.output: node for node in graph.nodes}
    while name in makers:
        node = makers[name]
        if node.op in _CHANNELS_LAST or OPERATORS[node.op].shape not in _KEEPS_LAYOUT:
            return node.op in _CHANNELS_LAST
        name = next((source for source in node.inputs if source in makers), OBSERVATION)
    return False


def _is_free(node: Node, readers: list[Node], graph: Graph) -> bool:
    """Whether nothing but linear layers with weights of their own sees the order of the flattened entries."""
    return node.output not in graph.outputs.values() and all(
        reader.op == "Gemm" and reader.inputs[0] == node.output and reader.inputs[1] in graph.constants
        for reader in readers
    )


def _reordered(graph: Graph, node: Node, readers: list[Node], shape: Shape) -> Graph:
    last = f"{node.output}_channels_last"
    before = Node("Transpose", node.inputs, last, {"perm": (0, 2, 3, 1)})
    constants = dict(graph.constants)
    changed: dict[str, tuple[Node, ...]] = {node.output: (before, replace(node, inputs=(last,)))}
    for reader in readers:
        weight = f"{reader.inputs[1]}_{reader.output}_channels_last"
        constants[weight] = _columns_channels_last(constants[reader.inputs[1]], shape[1:])
        inputs = (reader.inputs[0], weight, *reader.inputs[2:])
        changed[reader.output] = (replace(reader, inputs=inputs),)
    nodes = tuple(new for old in graph.nodes for new in changed.get(old.output, (old,)))
    return live_part(replace(graph, nodes=nodes, constants=constants))


def _columns_channels_last(weight: Tensor, picture: Shape) -> Tensor:
    """The weight (O, C * H * W) of a layer on flattened pictures (C, H, W), for those that were flattened (H, W, C)."""
    return weight.reshape(-1, *picture).permute(0, 2, 3, 1).reshape(weight.shape)
