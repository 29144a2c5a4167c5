"""The one door for uploaded bytes: any format in, canonical ONNX and a card out."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import prod
from pathlib import PurePath

from torch import Tensor

from saddlepoint.errors import MalformedPolicy, SaddlepointError
from saddlepoint.policies.agreement import check_memory, check_rows, compare_all, disagreement, step_of, unrolled
from saddlepoint.policies.critic import critic_outputs
from saddlepoint.policies.formats import recognise
from saddlepoint.policies.found import Found
from saddlepoint.policies.naming import plain
from saddlepoint.policies.network import load_network
from saddlepoint.policies.onnx_writer import to_onnx
from saddlepoint.policies.standardising import Deviations, deviations_of
from saddlepoint.policies.state_dicts import from_state_dict
from saddlepoint.schemas.policies import HEAD_OUTPUTS, InputDescription, OutputDescription, PolicyCard, PolicyHints
from saddlepoint.schemas.policies import policy_id as policy_id_of


@dataclass(frozen=True)
class ImportedPolicy:
    """A policy as the rest of the system knows it."""

    model: bytes
    """Canonical ONNX."""
    card: PolicyCard

    def to_bytes(self) -> bytes:
        """The length of the card as 8 bytes, the card as JSON, the model: how it leaves a limited process."""
        card = self.card.model_dump_json().encode()
        return len(card).to_bytes(8, "little") + card + self.model

    @classmethod
    def from_bytes(cls, data: bytes) -> "ImportedPolicy":
        """The inverse of `to_bytes`."""
        end = 8 + int.from_bytes(data[:8], "little")
        return cls(data[end:], PolicyCard.model_validate_json(data[8:end]))


def import_policy(
    data: bytes, *, filename_hint: str | None, hints: PolicyHints, policy_id: str, created_at: datetime
) -> ImportedPolicy:
    """Make a canonical policy of an uploaded file, or raise the PolicyRejected that says why not.

    The bytes decide what the file is; `filename_hint` only names it. Nothing in the file is executed. Run it where a
    hostile file can do no harm by size or time: a limited child process.
    """
    try:
        found = recognise(data, hints)
        model = to_onnx(found.graph)
        difference = _difference(found, model)
    except (SaddlepointError, MemoryError):
        raise
    except Exception as error:
        # The one place for what no check foresaw: it is the file's fault, and its text must not reach the user.
        raise MalformedPolicy("The policy could not be read to its end. Export it again.") from error
    return ImportedPolicy(model, _card(data, filename_hint, hints, policy_id, created_at, found, model, difference))


def canonical_policy(found: Found, *, name: str | None, owner: str, created_at: datetime) -> ImportedPolicy:
    """A policy of a graph of our own making, such as a trainer's, checked as an upload is.

    Its canonical model counts as its file. Raises NonFiniteWeights and BackendDisagreement.
    """
    model, hints = to_onnx(found.graph), PolicyHints(name=name)
    difference = _difference(found, model)
    identity = policy_id_of(owner, hashlib.sha256(model).hexdigest(), hints)
    return ImportedPolicy(model, _card(model, None, hints, identity, created_at, found, model, difference))


def canonical_model(tensors: Mapping[str, Tensor], hints: PolicyHints | None = None) -> bytes:
    """Canonical ONNX of plain weights whose names are known, such as a trainer's own; raises PolicyRejected."""
    return to_onnx(from_state_dict(tensors, hints or PolicyHints(), file_format="safetensors").graph)


def _difference(found: Found, model: bytes) -> float:
    """How far torch, onnxruntime on the canonical model and onnxruntime on the upload itself are apart.

    Raises UnsupportedArchitecture where an upload's states change nothing.
    """
    network = load_network(model)
    rows = check_rows(network.observation_shape, *(found.bounds or (None, None)))
    difference = disagreement(network, model, rows)
    if found.original is not None:
        shapes = network.state_shapes
        outputs, reference = (unrolled(step, rows, shapes) for step in (step_of(network), found.original))
        check_memory(network, rows, found.fixed)
        difference = max(difference, compare_all(outputs, reference, states=len(shapes), is_half=found.is_half))
    return difference


def _card(
    data: bytes,
    filename_hint: str | None,
    hints: PolicyHints,
    policy_id: str,
    created_at: datetime,
    found: Found,
    model: bytes,
    difference: float,
) -> PolicyCard:
    graph, own = found.graph, deviations_of(found.graph)
    outputs = [OutputDescription(name=name, shape=(graph.actions,)) for name in HEAD_OUTPUTS[graph.head]]
    if "value" in graph.outputs:
        outputs.append(OutputDescription(name="value", shape=()))
    outputs += [
        OutputDescription(name=name, shape=(graph.actions,) if name == "q_values" else ())
        for name in critic_outputs(graph)
    ]
    return PolicyCard(
        id=policy_id,
        name=hints.name or _stem(filename_hint),
        created_at=created_at,
        format=found.format,
        architecture=found.architecture,
        head=graph.head,
        observation=InputDescription(shape=graph.observation_shape),
        outputs=outputs,
        actions=graph.actions,
        squash=found.squash,
        fixed_deviation=found.fixed_deviation,
        perhaps_gaussian=found.perhaps_gaussian,
        states=[InputDescription(shape=shape) for shape in graph.states],
        parameters=sum(tensor.numel() for tensor in graph.constants.values() if tensor.is_floating_point()),
        sha256=hashlib.sha256(data).hexdigest(),
        canonical_sha256=hashlib.sha256(model).hexdigest(),
        size=len(data),
        contents=found.contents,
        guesses=[*found.guesses, *_normalised_twice(hints, own)],
        observation_std=_deviation(hints, own, graph.observation_shape),
        observation_space=found.observation_space,
        action_space=found.action_space,
        max_disagreement=difference,
        hints=hints,
    )


def _stem(filename: str | None) -> str | None:
    return plain(PurePath(filename).stem) or None if filename else None


def _deviation(hints: PolicyHints, own: Deviations | None, shape: tuple[int, ...]) -> list[float] | None:
    """One number per entry of an observation, flat: as the user says, else as the network itself divides by them."""
    stated = hints.observation_std
    if stated is not None:
        return stated * prod(shape) if len(stated) == 1 else stated
    return own.unit.tolist() if own else None


def _normalised_twice(hints: PolicyHints, own: Deviations | None) -> list[str]:
    stated = hints.observation_std
    if stated is None or own is None or own.vectors == (len(stated) > 1):
        return []
    return [
        "observations are divided by observation_std of the card, and then by deviations in the network itself; if it "
        "was trained on observations as they are, leave observation_mean and observation_std out"
    ]
