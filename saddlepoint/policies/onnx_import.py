"""An uploaded ONNX model into a canonical graph."""

from onnx import ModelProto, TensorProto, ValueInfoProto

from saddlepoint.errors import (
    ArchitectureMismatch,
    MalformedPolicy,
    PolicyRejected,
    ResourceLimit,
    UnsupportedArchitecture,
)
from saddlepoint.policies.builder import Value
from saddlepoint.policies.card_roles import check_roles
from saddlepoint.policies.found import Found, Step
from saddlepoint.policies.intake import Intake, as_taken_in, take_in, turned_by
from saddlepoint.policies.lowering import Lowering
from saddlepoint.policies.naming import plain
from saddlepoint.policies.onnx_gaussians import with_logarithm
from saddlepoint.policies.onnx_inputs import Roles, roles_of
from saddlepoint.policies.onnx_original import original_step
from saddlepoint.policies.onnx_outputs import choose_outputs
from saddlepoint.policies.onnx_placement import Placement, fixed_value, placements, stacked_state
from saddlepoint.policies.onnx_probabilities import as_logits
from saddlepoint.policies.source import FLOATS, HALVES
from saddlepoint.schemas.policies import PolicyHints


def from_onnx(model: ModelProto, hints: PolicyHints, *, file_format: str) -> Found:
    """The policy in a self-contained model (see `onnx_reader`), by the first reading of its inputs that fits."""
    check_roles(hints, [item.name for item in model.graph.input], [item.name for item in model.graph.output])
    roles = roles_of(model.graph, hints)
    first_error: PolicyRejected | None = None
    for placement in placements(roles, hints.state_batch_axis):
        try:
            return _read(model, hints, roles, placement, file_format)
        except ResourceLimit:
            raise
        except PolicyRejected as error:
            first_error = first_error or error
    if first_error is None or isinstance(first_error, ArchitectureMismatch):
        first_error = stacked_state(roles) or first_error
    raise first_error or UnsupportedArchitecture(
        "The observation and the states of a policy have a batch axis of the same size; in this model they differ. "
        "Export it with a dynamic batch axis everywhere."
    )


def _read(model: ModelProto, hints: PolicyHints, roles: Roles, placement: Placement, file_format: str) -> Found:
    guesses = [*roles.guesses, *placement.guesses]
    as_bytes = _is_bytes(roles.observation, hints)
    shape = placement.observation.shape
    turned = turned_by(hints.layout, shape, guesses)
    intake = take_in(shape, hints, scale=hints.pixel_scale, turned=turned, as_bytes=as_bytes)
    build = intake.build
    lowering = Lowering(
        model.graph,
        _opset(model),
        build,
        _inputs(model, intake, roles, placement),
        baked_batch=placement.fixed,
        reshapes=placement.reshapes,
        other_inputs=roles.others,
    )
    chosen = choose_outputs(model.graph, lowering, hints, roles.next_states)
    next_states = [
        place.left(build, lowering.value(name), name)
        for place, name in zip(placement.states, roles.next_states, strict=True)
    ]
    original = original_step(model, chosen.names, chosen.width, roles, placement)
    if chosen.is_logarithm_due:
        original = with_logarithm(original, chosen.width)

    def taken_in(step: Step) -> Step:
        return lambda rows, states: step(as_taken_in(rows, hints, scale=hints.pixel_scale, turned=turned), states)

    found = Found(
        build.finish(next_states=next_states, **chosen.lives),
        file_format,
        "onnx",
        _contents(model),
        guesses + chosen.guesses,
        bounds=(0.0, 255.0) if as_bytes else None,
        original=taken_in(original),
        fixed=roles.fixed,
        is_half=_is_half(model),
        squash=chosen.squash,
        fixed_deviation=chosen.fixed_deviation,
        perhaps_gaussian=chosen.perhaps_gaussian,
    )
    return as_logits(found, chosen.outputs[0])


def _inputs(model: ModelProto, intake: Intake, roles: Roles, placement: Placement) -> dict[str, Value]:
    """The values of the inputs of the file."""
    build = intake.build
    values: dict[str, Value] = {roles.observation.name: placement.observation.entered(build, intake.x)}
    for item, place in zip(roles.states, placement.states, strict=True):
        values[item.name] = place.entered(build, build.state(place.shape))
    by_name = {item.name: item for item in model.graph.input}
    for name, number in roles.fixed.items():
        values[name] = fixed_value(by_name[name], placement.fixed, number)
    return values


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


def _opset(model: ModelProto) -> int:
    versions: list[int] = [item.version for item in model.opset_import if item.domain in ("", "ai.onnx")]
    if len(versions) != 1:
        raise MalformedPolicy("A model names the one opset it uses; this one does not. Export it again.")
    return versions[0]


def _is_half(model: ModelProto) -> bool:
    """Whether numbers of 16 bits are among the inputs, the weights or the types that nodes cast to."""
    graph = model.graph
    elements = {item.type.tensor_type.elem_type for item in graph.input}
    elements |= {tensor.data_type for tensor in graph.initializer}
    attributes = [item for node in graph.node for item in node.attribute]
    elements |= {item.t.data_type for item in attributes if item.HasField("t")}
    elements |= {item.i for item in attributes if item.name == "to"}
    return not HALVES.isdisjoint(elements)


def _contents(model: ModelProto) -> list[str]:
    graph = model.graph
    lines = [f"graph: {len(graph.node)} nodes and {len(graph.initializer)} weights read"]
    if model.producer_name:
        lines.append(f"written by {plain(model.producer_name)} {plain(model.producer_version)}".strip())
    ignored = [
        name for name, item in (("metadata", model.metadata_props), ("training info", model.training_info)) if item
    ]
    return lines + [f"{name}: ignored" for name in ignored]
