"""Canonical ONNX back into a graph. Only for models that this package wrote."""

import onnx

from saddlepoint.errors import ArtifactCorrupt
from saddlepoint.policies.builder import GraphBuilder, Live
from saddlepoint.policies.graph import NEXT_STATE, OBSERVATION, STATE, TAKEN_ACTION, Graph
from saddlepoint.policies.lowering import Lowering


def read_canonical(model: bytes) -> Graph:
    """The graph of a canonical model; ArtifactCorrupt if it is none."""
    proto = onnx.load_model_from_string(model)
    graph = proto.graph
    shapes = {item.name: [size.dim_value for size in item.type.tensor_type.shape.dim[1:]] for item in graph.input}
    names, action = list(shapes), shapes.pop(TAKEN_ACTION, None)
    states = [STATE.format(index) for index in range(len(shapes) - 1)]
    if names != [OBSERVATION, *states, *([TAKEN_ACTION] if action else [])]:
        raise ArtifactCorrupt("A canonical model has the input 'observation' and then 'state_0', ...; this has not.")
    build = GraphBuilder(shapes[OBSERVATION])
    inputs = {OBSERVATION: build.observation}
    inputs |= {name: build.state(shapes[name]) for name in states}
    if action:
        inputs[TAKEN_ACTION] = build.taken_action(action[0])
    lowering = Lowering(graph, proto.opset_import[0].version, build, inputs)
    values = {item.name: lowering.value(item.name) for item in graph.output}
    outputs = {name: value for name, value in values.items() if isinstance(value, Live)}
    carried = [outputs.pop(NEXT_STATE.format(index)) for index in range(len(states))]
    return build.finish(next_states=carried, **outputs)
