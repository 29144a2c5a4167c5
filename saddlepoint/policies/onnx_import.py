"""An uploaded ONNX model into a canonical graph."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto, helper

from saddlepoint.errors import MalformedPolicy, UnsupportedArchitecture
from saddlepoint.policies.agreement import run_onnx
from saddlepoint.policies.found import Floats, Found
from saddlepoint.policies.intake import as_taken_in, take_in, turned_by
from saddlepoint.policies.lowering import Lowering
from saddlepoint.policies.naming import plain
from saddlepoint.policies.onnx_outputs import choose_outputs
from saddlepoint.policies.onnx_reader import only_reachable
from saddlepoint.policies.source import FLOATS
from saddlepoint.schemas.policies import PolicyHints


def from_onnx(model: ModelProto, hints: PolicyHints, *, file_format: str) -> Found:
    """The policy in a self-contained model (see `onnx_reader`)."""
    graph = model.graph
    guesses: list[str] = []
    source = _observation_input(graph, hints, guesses)
    as_bytes = _is_bytes(source, hints)
    rows = _rows(source, guesses)
    shape = rows.shape
    turned = turned_by(hints.layout, shape, guesses)
    intake = take_in(shape, hints, scale=hints.pixel_scale, turned=turned, as_bytes=as_bytes)
    opset = _opset(model)
    others = {item.name for item in graph.input} - {source.name}
    lowering = Lowering(
        graph, opset, intake.build, {source.name: intake.x}, baked_batch=rows.fixed, other_inputs=frozenset(others)
    )
    chosen = choose_outputs(graph, lowering, hints)
    outputs = {"logits": chosen.logits}
    if chosen.value is not None:
        column = chosen.value
        is_flat = len(column.shapes[0]) == 1
        outputs["value"] = column if is_flat else intake.build.live("Reshape", column, shape=(-1,))
    original = _runner(model, chosen.logits_name, rows)
    return Found(
        intake.build.finish(**outputs),
        file_format,
        "onnx",
        _contents(model),
        guesses + chosen.guesses,
        bounds=(0.0, 255.0) if as_bytes else None,
        original=lambda rows: original(as_taken_in(rows, hints, scale=hints.pixel_scale, turned=turned)),
    )


def _observation_input(graph: GraphProto, hints: PolicyHints, guesses: list[str]) -> ValueInfoProto:
    weights = {tensor.name for tensor in graph.initializer}
    inputs: dict[str, ValueInfoProto] = {item.name: item for item in graph.input if item.name not in weights}
    wanted = hints.inputs.get("observation", "observation" if "observation" in inputs else None)
    if wanted is None and len(inputs) == 1:
        return next(iter(inputs.values()))
    likely = [name for name in inputs if "obs" in name.lower()]
    if wanted is None and len(likely) == 1:
        guesses.append(f"input {plain(likely[0])!r} taken as the observation")
        wanted = likely[0]
    if wanted is None or wanted not in inputs:
        raise UnsupportedArchitecture(
            f"A policy has one input called 'observation'; this model has {len(inputs)}: "
            f"{', '.join(repr(plain(name)) for name in list(inputs)[:8])}. Say which it is in the card: "
            '{"inputs": {"observation": "<its name in the file>"}}.'
        )
    return inputs[wanted]


def _is_bytes(source: ValueInfoProto, hints: PolicyHints) -> bool:
    element = source.type.tensor_type.elem_type
    if element in FLOATS:
        return False
    if element != TensorProto.UINT8:
        raise UnsupportedArchitecture(
            "The observation of a policy is float32 or uint8; this model takes another type. Export it for float32."
        )
    if hints.pixel_scale or hints.observation_mean or hints.observation_std or hints.observation_clip:
        raise UnsupportedArchitecture(
            "A model that takes uint8 pixels does its own scaling. Leave pixel_scale and observation_* out of the card."
        )
    return True


@dataclass(frozen=True)
class _Rows:
    """How a file takes observations: `fixed` at a time (None: any number), or bare ones, without a batch axis."""

    shape: tuple[int, ...]
    fixed: int | None
    is_bare: bool = False


def _rows(source: ValueInfoProto, guesses: list[str]) -> _Rows:
    sizes = [item.dim_value for item in source.type.tensor_type.shape.dim]
    if len(sizes) == 1 and sizes[0] > 0:
        guesses.append(f"input of {sizes[0]} numbers taken as one observation without a batch axis")
        return _Rows((sizes[0],), None, is_bare=True)
    if len(sizes) < 2 or min(sizes[1:]) < 1:
        raise UnsupportedArchitecture(
            "An observation has the shape (N, ...) with a batch axis first and fixed sizes after it; this model's "
            f"input has the sizes {[size or '?' for size in sizes]}. Make only the batch dynamic."
        )
    return _Rows(tuple(sizes[1:]), sizes[0] or None)


def _opset(model: ModelProto) -> int:
    versions: list[int] = [item.version for item in model.opset_import if item.domain in ("", "ai.onnx")]
    if len(versions) != 1:
        raise MalformedPolicy("A model names the one opset it uses; this one does not. Export it again.")
    return versions[0]


def _runner(model: ModelProto, output: str, rows: _Rows) -> Callable[[Floats], Floats]:
    """The uploaded graph itself, cut at the logits, at any number of rows."""
    reduced = helper.make_model(only_reachable(model.graph, [output]), opset_imports=list(model.opset_import))
    reduced.ir_version = model.ir_version
    whole = reduced.SerializeToString()

    def run(observations: Floats) -> Floats:
        session = run_onnx(whole, [output], optimised=False)
        if rows.is_bare:
            return np.stack([session(observation) for observation in observations])
        if rows.fixed is None:
            return session(observations)
        missing = -len(observations) % rows.fixed
        padded = np.concatenate([observations, np.repeat(observations[-1:], missing, axis=0)])
        parts = [session(padded[at : at + rows.fixed]) for at in range(0, len(padded), rows.fixed)]
        return np.concatenate(parts)[: len(observations)]

    return run


def _contents(model: ModelProto) -> list[str]:
    graph = model.graph
    lines = [f"graph: {len(graph.node)} nodes and {len(graph.initializer)} weights read"]
    if model.producer_name:
        lines.append(f"written by {plain(model.producer_name)} {plain(model.producer_version)}".strip())
    ignored = [
        name for name, item in (("metadata", model.metadata_props), ("training info", model.training_info)) if item
    ]
    return lines + [f"{name}: ignored" for name in ignored]
