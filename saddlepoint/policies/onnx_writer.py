"""Spells a graph as canonical ONNX: one fixed opset, our own names, weights inside, static shapes after N."""

import math
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from saddlepoint.policies.graph import NEXT_STATE, OBSERVATION, STATE, TAKEN_ACTION, Attribute, Graph, Node
from saddlepoint.policies.operators import OPERATORS

OPSET = 20
"""The first with Gelu; onnxruntime has read it since 1.17."""
IR_VERSION = 9


def to_onnx(graph: Graph) -> bytes:
    """The canonical model: input `observation`, the outputs of the head and perhaps `value`, states in and out.

    The `taken_action` of a critic has M rows, N or 1, and a default of one: who asks for the head alone need not
    give it.
    """
    writer = _Writer(graph)
    nodes = [writer.node(node) for node in graph.nodes]
    for name, source in graph.outputs.items():
        nodes.append(helper.make_node("Identity", [source], [name]))
    proto = helper.make_graph(
        nodes,
        "policy",
        [
            _described(OBSERVATION, ("N", *graph.observation_shape)),
            *(_described(STATE.format(index), ("N", *shape)) for index, shape in enumerate(graph.states)),
            *([_described(TAKEN_ACTION, ("M", graph.actions))] if graph.takes_action else []),
        ],
        [_described(name, _output_shape(name, graph)) for name in graph.outputs],
        writer.initializers,
    )
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="saddlepoint")
    model.ir_version = IR_VERSION
    return bytes(model.SerializeToString(deterministic=True))


def _described(name: str, shape: tuple[int | str, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def _output_shape(name: str, graph: Graph) -> tuple[int | str, ...]:
    states = {NEXT_STATE.format(index): shape for index, shape in enumerate(graph.states)}
    if name in states:
        return ("N", *states[name])
    return ("N",) if name in ("value", "action_value") else ("N", graph.actions)


class _Writer:
    """Collects the initializers while nodes are written."""

    def __init__(self, graph: Graph) -> None:
        self.initializers = [numpy_helper.from_array(tensor.numpy(), name) for name, tensor in graph.constants.items()]
        if graph.takes_action:
            self.initializers.append(numpy_helper.from_array(np.zeros((1, graph.actions), np.float32), TAKEN_ACTION))

    def node(self, node: Node) -> onnx.NodeProto:
        inputs_from = OPERATORS[node.op].inputs_from
        inputs = list(node.inputs)
        for key in inputs_from:
            inputs.append(self._as_input(f"{node.output}_{key}", node.attributes[key]))
        attributes: dict[str, Any] = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in node.attributes.items()
            if key not in inputs_from
        }
        if node.op == "Gemm":
            attributes["transB"] = 1
        return helper.make_node(node.op, inputs, [node.output], **attributes)

    def _as_input(self, name: str, value: Attribute) -> str:
        if isinstance(value, float) and math.isinf(value):
            return ""
        array = np.asarray(value, dtype=np.float32 if isinstance(value, float) else np.int64)
        self.initializers.append(numpy_helper.from_array(array, name))
        return name
