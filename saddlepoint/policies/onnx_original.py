"""The uploaded graph itself, run by onnxruntime: what the graph made of it must compute."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from saddlepoint.errors import BackendDisagreement
from saddlepoint.policies.agreement import run_onnx
from saddlepoint.policies.found import Floats, Step
from saddlepoint.policies.onnx_inputs import Roles
from saddlepoint.policies.onnx_placement import Placement, fixed_shape
from saddlepoint.policies.onnx_reader import only_reachable
from saddlepoint.policies.source import FLOATS

_OTHER_FLOATS = FLOATS - {TensorProto.FLOAT}


def original_step(model: ModelProto, names: Sequence[str], width: int, roles: Roles, placement: Placement) -> Step:
    """The file cut at the values of the head, (N, width) each, and at its next states, at any number of rows."""
    outputs = list(dict.fromkeys((*names, *roles.next_states)))
    reduced = helper.make_model(only_reachable(model.graph, outputs), opset_imports=list(model.opset_import))
    reduced.ir_version = model.ir_version
    run = _runner(reduced, outputs)
    fixed = {item.name: item for item in model.graph.input if item.name in roles.fixed}

    def inputs(rows: Floats, states: Sequence[Floats]) -> dict[str, NDArray[Any]]:
        given: dict[str, NDArray[Any]] = {roles.observation.name: placement.observation.array(rows)}
        for item, place, state in zip(roles.states, placement.states, states, strict=True):
            given[item.name] = place.array(state)
        for name, item in fixed.items():
            given[name] = np.full(fixed_shape(item, placement.fixed, len(rows)), roles.fixed[name])
        return given

    def step(rows: Floats, states: Sequence[Floats]) -> tuple[Floats, Sequence[Floats]]:
        size = 1 if placement.observation.is_bare else placement.fixed or len(rows)
        heads, carried = [], []
        for part in _batches([rows, *states], size):
            found = dict(zip(outputs, run(inputs(part[0], part[1:])), strict=True))
            heads.append(np.concatenate([_columns(found[name], size, width) for name in names], axis=1))
            carried.append([place.rows(found[name]) for place, name in _pairs(roles, placement)])
        states = [np.concatenate(pieces)[: len(rows)] for pieces in zip(*carried, strict=True)]
        return np.concatenate(heads)[: len(rows)], states

    return step


def _runner(model: ModelProto, outputs: Sequence[str]) -> Callable[[Mapping[str, NDArray[Any]]], list[Floats]]:
    """The model in onnxruntime, loaded when it is first run; in float32 if it cannot be run as it is."""
    load = cache(lambda: run_onnx(model.SerializeToString(), outputs, optimised=False))
    narrow = cache(lambda: run_onnx(_in_float32(model).SerializeToString(), outputs, optimised=False))

    def run(inputs: Mapping[str, NDArray[Any]]) -> list[Floats]:
        try:
            return load()(inputs)
        except BackendDisagreement:
            # onnxruntime has neither convolutions nor recurrent layers of doubles, and little for bfloat16.
            if not any(item.data_type in _OTHER_FLOATS for item in model.graph.initializer):
                raise
            return narrow()(inputs)

    return run


def _in_float32(model: ModelProto) -> ModelProto:
    """The same graph with every number that is not an integer as float32."""
    narrow = ModelProto()
    narrow.CopyFrom(model)
    graph = narrow.graph
    del graph.value_info[:]
    attributes = [item for node in graph.node for item in node.attribute]
    for tensor in (*graph.initializer, *(item.t for item in attributes if item.HasField("t"))):
        if tensor.data_type in _OTHER_FLOATS:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    for item in attributes:
        if item.name == "to" and item.i in _OTHER_FLOATS:
            item.i = TensorProto.FLOAT
    for described in graph.input:
        if described.type.tensor_type.elem_type in _OTHER_FLOATS:
            described.type.tensor_type.elem_type = TensorProto.FLOAT
    return narrow


def _pairs(roles: Roles, placement: Placement) -> list[tuple[Any, str]]:
    return list(zip(placement.states, roles.next_states, strict=True))


def _batches(arrays: Sequence[Floats], size: int) -> list[list[Floats]]:
    """The arrays in pieces of so many rows, the last filled up with its last row."""
    missing = -len(arrays[0]) % size
    filled = [np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]) for array in arrays]
    return [[array[at : at + size] for array in filled] for at in range(0, len(filled[0]), size)]


def _columns(array: Floats, rows: int, width: int) -> Floats:
    """What a file gives for a part of the head, as (rows, width); what is the same for every row is repeated."""
    if array.size in (1, width):
        return np.broadcast_to(array.reshape(-1), (rows, width))
    if array.size != rows * width:
        raise BackendDisagreement(
            f"onnxruntime gives an output of shape {list(array.shape)} where (N, {width}) is due for {rows} rows. "
            "Export the model with a dynamic batch axis."
        )
    return array.reshape(rows, width)
