"""Canonical ONNX back into a graph. Only for models that this package wrote."""

import onnx

from saddlepoint.errors import ArtifactCorrupt
from saddlepoint.policies.builder import GraphBuilder, Live
from saddlepoint.policies.graph import OBSERVATION, Graph
from saddlepoint.policies.lowering import Lowering


def read_canonical(model: bytes) -> Graph:
    """The graph of a canonical model; ArtifactCorrupt if it is none."""
    proto = onnx.load_model_from_string(model)
    graph = proto.graph
    if [item.name for item in graph.input] != [OBSERVATION]:
        raise ArtifactCorrupt("A canonical model has the one input 'observation'; this has not.")
    dimensions = graph.input[0].type.tensor_type.shape.dim
    build = GraphBuilder([dimension.dim_value for dimension in dimensions[1:]])
    opset = proto.opset_import[0].version
    lowering = Lowering(graph, opset, build, {OBSERVATION: build.observation})
    outputs = {item.name: lowering.value(item.name) for item in graph.output}
    return build.finish(**{name: value for name, value in outputs.items() if isinstance(value, Live)})
