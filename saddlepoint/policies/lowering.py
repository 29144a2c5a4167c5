"""Reads the values of a checked ONNX graph into a GraphBuilder, on demand and in order."""

from collections.abc import Mapping, Sequence

import onnx

from saddlepoint.errors import MalformedPolicy, UnsupportedArchitecture, UnsupportedOperator
from saddlepoint.policies.builder import GraphBuilder, Known, Value
from saddlepoint.policies.naming import plain
from saddlepoint.policies.onnx_operators import LOWERINGS
from saddlepoint.policies.source import Reshapes, SourceNode, tensor_of

OPSETS = range(7, 27)
"""Opset 7 brought today's broadcasting; what later ones changed is handled operator by operator."""


_CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})
_WAY_OUT = "Write the layer with operators that are, or leave it out if it only prepares observations or uses actions."
_WAYS_OUT: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("ArgMax", "ArgMin", "Bernoulli", "Hardmax", "Multinomial", "TopK"),
            *("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"),
        ),
        "Export the scores of the actions, from before one is chosen or sampled.",
    ),
    **dict.fromkeys(
        ("IsInf", "IsNaN"),
        "Observations are finite here, so export the network without its check of that (such as nan_to_num).",
    ),
    **dict.fromkeys(
        ("Resize", "Upsample"),
        "Export the network for pictures of the size that it works with, and resize none within it.",
    ),
    **dict.fromkeys(
        ("DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "QuantizeLinear"),
        "Export the network in float32, from before it was quantised.",
    ),
}
"""What to do about an operator that is not taken."""
_OF_DOMAINS: Mapping[str, str] = dict.fromkeys(
    ("com.microsoft", "com.microsoft.nchwc"), "Take the model from before onnxruntime optimised it."
)
"""The same of all operators of a domain."""


class Lowering:
    """The values of one ONNX graph, made when they are asked for."""

    def __init__(
        self,
        graph: onnx.GraphProto,
        opset: int,
        build: GraphBuilder,
        inputs: Mapping[str, Value],
        *,
        baked_batch: int | None = None,
        reshapes: Reshapes = "as they are",
        other_inputs: Sequence[str] = (),
    ) -> None:
        if opset not in OPSETS:
            raise UnsupportedOperator(
                f"The opset must be between {OPSETS[0]} and {OPSETS[-1]}, the model has {opset}. "
                "Export it with opset_version=18."
            )
        self.build = build
        self._opset = opset
        self._baked_batch = baked_batch
        self._reshapes: Reshapes = reshapes
        self._other_inputs = other_inputs
        self._values: dict[str, Value] = dict(inputs)
        self._initializers = {tensor.name: tensor for tensor in graph.initializer}
        self._producers = producers(graph)

    def value(self, name: str) -> Value:
        """The value called `name` in the file, and all it depends on."""
        pending = [name]
        opened: set[int] = set()
        while pending:
            current = pending[-1]
            if current in self._values:
                pending.pop()
                continue
            if current in self._initializers:
                self._values[current] = Known.of(tensor_of(self._initializers[current]))
                continue
            node = self._producer(current)
            missing = [item for item in node.input if item and item not in self._values]
            if not missing:
                self._lower(node, current)
                continue
            if id(node) in opened:
                raise MalformedPolicy("The graph of the model runs in a circle. Export it again.")
            opened.add(id(node))
            pending.extend(missing)
        return self._values[name]

    def _producer(self, name: str) -> onnx.NodeProto:
        if name in self._other_inputs:
            raise UnsupportedArchitecture(
                f"A policy sees the observation and its own states; this one also needs {_listed(self._other_inputs)}. "
                'What is a state, name in the card, both ways: {"inputs": {"state_0": "<input>"}, "outputs": '
                '{"next_state_0": "<output>"}}; what is 1 where an episode begins: {"inputs": {"episode_start": '
                '"<input>"}}; what is 1 where it goes on: {"inputs": {"continues": "<input>"}}. Masks of actions are '
                "not taken, nor is the last action or reward."
            )
        if name not in self._producers:
            raise MalformedPolicy(
                "Every value of a model must be an input, a weight or the output of a node; "
                "one is none of these. Export the model again."
            )
        return self._producers[name]

    def _lower(self, node: onnx.NodeProto, wanted: str) -> None:
        if node.op_type in _CONTROL_FLOW:
            raise UnsupportedOperator(
                f"A policy has no loops and branches; this one has {shown(node)}. Export the network alone, traced for "
                "a fixed observation."
            )
        if node.domain not in ("", "ai.onnx") or node.op_type not in LOWERINGS:
            way_out = _WAYS_OUT.get(node.op_type, _OF_DOMAINS.get(node.domain, _WAY_OUT))
            raise UnsupportedOperator(
                f"A policy may use {len(LOWERINGS)} operators of ONNX; {shown(node)} is not among "
                f"them. {way_out} Taken are {', '.join(sorted(LOWERINGS))}."
            )
        inputs = [self._values[item] if item else None for item in node.input]
        source = SourceNode(node, inputs, self._opset, self._baked_batch, self._reshapes)
        results = LOWERINGS[node.op_type](self.build, source)
        outputs = results if isinstance(results, tuple) else (results,)
        self._values.update(zip(node.output, outputs, strict=False))
        if wanted not in self._values:
            raise UnsupportedOperator(f"Only the first output of {shown(node)} may be used; this model uses another.")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(plain(name)) for name in names[:8])
    return f"the input {shown}" if len(names) == 1 else f"{len(names)} inputs, {shown}"


def producers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """Which node makes each value."""
    return {name: node for node in graph.node for name in node.output if name}


def shown(node: onnx.NodeProto) -> str:
    """The operator of a node in words that are safe to repeat."""
    return repr(plain(f"{node.domain}.{node.op_type}" if node.domain else node.op_type))
