"""A graph as the calls that compute it: layers that gain by it packed, and one after the other in one chain."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from saddlepoint.policies.chains import Chain, Geometry, Layer, Relu, Reshaped, Tanh, Transposed, Weighted
from saddlepoint.policies.graph import Graph, Node
from saddlepoint.policies.operators import OPERATORS
from saddlepoint.policies.packed import convolution, linear


@dataclass(frozen=True)
class Step:
    """One call: `output` is what `compute` makes of the `inputs`."""

    compute: Callable[..., Tensor]
    inputs: tuple[str, ...]
    output: str


def run_(steps: Sequence[Step], values: dict[str, Tensor]) -> None:
    """Add what the steps compute to `values`."""
    for step in steps:
        values[step.output] = step.compute(*[values[name] for name in step.inputs])


class Programs:
    """Programs of graphs that have nodes in common, and `constants` that stay as they are."""

    def __init__(self, constants: Mapping[str, Tensor]) -> None:
        self._constants = constants
        self._weighted: dict[tuple[str, bool], Layer | None] = {}

    def program(self, graph: Graph) -> tuple[Step, ...]:
        """The steps of a graph, in an order in which they can be computed."""
        groups: list[list[_Link]] = []
        growing: dict[str, list[_Link]] = {}
        for link in self._links(graph):
            group = growing.pop(link.node.inputs[0], None) if link.layer is not None else None
            if group is None:
                group = []
                groups.append(group)
            group.append(link)
            if link.layer is not None and _only_reader(link.output, graph) is not None:
                growing[link.output] = group
        return tuple(_step(group) for group in groups)

    def _links(self, graph: Graph) -> Iterator["_Link"]:
        taken_in: set[str] = set()
        for node in graph.nodes:
            if node.output in taken_in:
                continue
            reader = _only_reader(node.output, graph)
            relu = reader if reader is not None and reader.op == "Relu" else None
            layer, output = self._layer(node, relu=relu is not None), node.output
            if relu is not None and isinstance(layer, Weighted):
                output = relu.output
                taken_in.add(output)
            yield _Link(node, layer, output)

    def _layer(self, node: Node, *, relu: bool) -> Layer | None:
        """`node` as a function of its first input, if it has weights with the ReLU after them; None where it is none.

        None, too, where it is of a kind that there are no layers for.
        """
        first, *others = (name in self._constants for name in node.inputs)
        if first or not all(others):
            return None
        if node.op in _PLAIN:
            return _PLAIN[node.op](node)
        if node.op not in ("Gemm", "Conv"):
            return None
        key = (node.output, relu)
        if key not in self._weighted:
            self._weighted[key] = _weighted(node, [self._constants[name] for name in node.inputs[1:]], relu=relu)
        return self._weighted[key]


@dataclass(frozen=True)
class _Link:
    """`layer` computes `output`: that of `node`, or of the ReLU after it."""

    node: Node
    layer: Layer | None
    output: str


_PLAIN: Mapping[str, Callable[[Node], Layer]] = {
    "Relu": lambda node: Relu(),
    "Reshape": lambda node: Reshaped(_numbers(node, "shape")),
    "Tanh": lambda node: Tanh(),
    "Transpose": lambda node: Transposed(_numbers(node, "perm")),
}


def _step(group: Sequence[_Link]) -> Step:
    node, layers = group[0].node, tuple(link.layer for link in group if link.layer is not None)
    if len(layers) > 1 or any(isinstance(layer, Weighted) for layer in layers):
        return Step(Chain(layers), node.inputs[:1], group[-1].output)
    return Step(partial(OPERATORS[node.op].compute, **node.attributes), node.inputs, node.output)


def _weighted(node: Node, constants: Sequence[Tensor], *, relu: bool) -> Layer | None:
    weight, bias = constants[0], constants[1] if len(constants) > 1 else None
    if node.op == "Gemm":
        return linear(weight, bias, relu=relu)
    geometry = _geometry(node)
    return None if geometry is None or weight.ndim != 4 else convolution(weight, bias, geometry, relu=relu)


def _only_reader(name: str, graph: Graph) -> Node | None:
    """The one node that reads `name`, which is then no output."""
    readers = graph.consumers(name)
    return readers[0] if len(readers) == 1 and name not in graph.outputs.values() else None


def _geometry(node: Node) -> Geometry | None:
    """None where the two ends are padded differently."""
    pads, group = _numbers(node, "pads"), node.attributes["group"]
    half = len(pads) // 2
    if pads[:half] != pads[half:] or not isinstance(group, int):
        return None
    return Geometry(_numbers(node, "strides"), pads[:half], _numbers(node, "dilations"), group)


def _numbers(node: Node, name: str) -> tuple[int, ...]:
    value = node.attributes[name]
    assert isinstance(value, tuple)
    return value
