"""Canonical ONNX back into a graph. Only for models that this package wrote."""

import onnx

from saddlepoint.errors import ArtifactCorrupt
from saddlepoint.policies.builder import GraphBuilder, Live
from saddlepoint.policies.graph import NEXT_STATE, OBSERVATION, STATE, Graph
from saddlepoint.policies.lowering import Lowering


def read_canonical(model: bytes) -> Graph:
    """The graph of a canonical model; ArtifactCorrupt if it is none."""
    proto = onnx.load_model_from_string(model)
    graph = proto.graph
    states = [STATE.format(index) for index in range(len(graph.input) - 1)]
    if [item.name for item in graph.input] != [OBSERVATION, *states]:
        raise ArtifactCorrupt("A canonical model has the input 'observation' and then 'state_0', ...; this has not.")
    shapes = [[size.dim_value for size in item.type.tensor_type.shape.dim[1:]] for item in graph.input]
    build = GraphBuilder(shapes[0])
    inputs = {OBSERVATION: build.observation}
    inputs |= {name: build.state(shape) for name, shape in zip(states, shapes[1:], strict=True)}
    lowering = Lowering(graph, proto.opset_import[0].version, build, inputs)
    values = {item.name: lowering.value(item.name) for item in graph.output}
    outputs = {name: value for name, value in values.items() if isinstance(value, Live)}
    carried = [outputs.pop(NEXT_STATE.format(index)) for index in range(len(states))]
    return build.finish(next_states=carried, **outputs)
