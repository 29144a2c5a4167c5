"""Rewrites of a graph that compute the same with less work, for the loop of PGD."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor
from torch.nn import functional as F

from saddlepoint.policies.flatten import flatten_channels_last
from saddlepoint.policies.graph import OBSERVATION, Graph, Node, live_part


@dataclass(frozen=True)
class Rewritten:
    """`graph` takes the observation with every `block` x `block` patch moved into channels (pixel_unshuffle)."""

    graph: Graph
    block: int


def for_speed(graph: Graph) -> Rewritten:
    """The graph with its input scale folded, its features flattened as they lie and its first convolution on patches.

    Each where that is exact.
    """
    return space_to_depth(flatten_channels_last(fold_input_scale(graph)))


def fold_input_scale(graph: Graph) -> Graph:
    """Fold `observation / c` or `observation * c` into the weights of the linear operators that read it."""
    scales = [node for node in graph.consumers(OBSERVATION) if _scalar(node, graph) is not None]
    for scale in scales:
        readers = graph.consumers(scale.output)
        if scale.output not in graph.outputs.values() and all(
            _reads_linearly(node, scale.output, graph) for node in readers
        ):
            graph = _without_scale(graph, scale, readers)
    return graph


def _scalar(node: Node, graph: Graph) -> float | None:
    if node.op not in ("Div", "Mul") or node.inputs[0] != OBSERVATION:
        return None
    constant = graph.constants.get(node.inputs[1])
    if constant is None or constant.numel() != 1 or not constant.is_floating_point():
        return None
    value = float(constant)
    if value == 0:
        return None
    return 1 / value if node.op == "Div" else value


def _reads_linearly(node: Node, name: str, graph: Graph) -> bool:
    return (
        node.op in ("Conv", "Gemm")
        and node.inputs[0] == name
        and name not in node.inputs[1:]
        and node.inputs[1] in graph.constants
    )


def _without_scale(graph: Graph, scale: Node, readers: list[Node]) -> Graph:
    factor = _scalar(scale, graph)
    assert factor is not None
    constants = dict(graph.constants)
    changed: dict[str, Node] = {}
    for reader in readers:
        weight = f"{reader.inputs[1]}_{reader.output}"
        constants[weight] = (constants[reader.inputs[1]].double() * factor).float()
        inputs = (OBSERVATION, weight, *reader.inputs[2:])
        changed[reader.output] = replace(reader, inputs=inputs)
    return _replaced(graph, changed, constants)


def _replaced(graph: Graph, changed: Mapping[str, Node], constants: Mapping[str, Tensor]) -> Graph:
    nodes = tuple(changed.get(node.output, node) for node in graph.nodes)
    return live_part(replace(graph, nodes=nodes, constants=constants))


def space_to_depth(graph: Graph) -> Rewritten:
    """Let the first convolutions, k x k with stride s, be (k/s) x (k/s) with stride 1 on s x s patches.

    Exact where s divides the kernel and the picture and nothing is padded: an 8x8/4 convolution on (4, 84, 84)
    becomes 2x2/1 on (64, 21, 21), whose gradient is much cheaper.
    """
    readers = graph.consumers(OBSERVATION)
    blocks = {_block(node, graph) for node in readers}
    if len(blocks) != 1 or blocks == {1} or OBSERVATION in graph.outputs.values():
        return Rewritten(graph, 1)
    block = blocks.pop()
    constants = dict(graph.constants)
    changed = {}
    for reader in readers:
        weight = f"{reader.inputs[1]}_{reader.output}"
        constants[weight] = F.pixel_unshuffle(constants[reader.inputs[1]], block)
        changed[reader.output] = replace(
            reader,
            inputs=(OBSERVATION, weight, *reader.inputs[2:]),
            attributes={**reader.attributes, "strides": (1, 1)},
        )
    return Rewritten(_replaced(graph, changed, constants), block)


def _block(node: Node, graph: Graph) -> int:
    """The stride by which the convolution `node` of the observation can be rewritten, or 1."""
    if node.op != "Conv" or node.inputs[0] != OBSERVATION or len(graph.observation_shape) != 3:
        return 1
    weight = graph.constants[node.inputs[1]]
    strides, pads = node.attributes["strides"], node.attributes["pads"]
    if not isinstance(strides, tuple) or not isinstance(pads, tuple) or weight.ndim != 4:
        return 1
    stride = strides[0]
    sides = (*weight.shape[2:], *graph.observation_shape[1:])
    plain = not any(pads) and node.attributes["dilations"] == (1, 1) and node.attributes["group"] == 1
    divides = len(set(strides)) == 1 and all(side % stride == 0 for side in sides)
    return stride if plain and divides else 1
