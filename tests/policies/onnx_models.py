"""ONNX models by hand: small, and as wrong as can be."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]
FLOAT = TensorProto.FLOAT


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, list(inputs), list(outputs), **attributes)


def model(
    nodes: Sequence[onnx.NodeProto],
    weights: dict[str, Array],
    *,
    shape: Sequence[int | str] = ("N", 4),
    outputs: Sequence[str] = ("logits",),
    opset: int = 18,
    element: int = FLOAT,
    inputs: Sequence[str] = ("observation",),
    **extra: Any,
) -> onnx.ModelProto:
    """A model from `observation`; the outputs have no stated shape."""
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info(name, element, list(shape)) for name in inputs],
        [onnx.ValueInfoProto(name=name, type=helper.make_tensor_type_proto(FLOAT, None)) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    imports = [helper.make_opsetid("", opset), *extra.pop("domains", [])]
    return helper.make_model(graph, opset_imports=imports, ir_version=8, **extra)


def matrix(rows: int = 4, columns: int = 3, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)


def linear(**options: Any) -> onnx.ModelProto:
    """observation @ w."""
    return model([node("MatMul", ["observation", "w"], ["logits"])], {"w": matrix()}, **options)


def behind(*nodes: onnx.NodeProto, weights: dict[str, Array] | None = None, **options: Any) -> onnx.ModelProto:
    """observation @ w = x, then these nodes, which make `logits`."""
    first = node("MatMul", ["observation", "w"], ["x"])
    return model([first, *nodes], {"w": matrix(), **(weights or {})}, **options)


def ints(*values: int) -> Array:
    return np.array(values, dtype=np.int64)
