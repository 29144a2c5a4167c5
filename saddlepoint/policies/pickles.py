"""Reads a torch.save file, of which nothing is loaded: its pickle is read as plain data, its tensors out of the zip."""

import pickletools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

from torch import Tensor

from saddlepoint.errors import (
    ArchitectureMismatch,
    MalformedPolicy,
    UnpackedTooLarge,
    UnsafePickle,
    UnsupportedFormat,
)
from saddlepoint.policies.archives import MAX_UNPACKED, Archive, open_archive
from saddlepoint.policies.named_weights import WAY_OUT
from saddlepoint.policies.naming import plain
from saddlepoint.policies.torch_pickles import DAMAGED, MAX_PICKLE, SAVE_AGAIN, TensorClaim, read_pickle

_MAX_TENSORS = 4096
_MAX_DICTS = 8
_MAX_LISTED = 8
_PLAIN = (int, float, str)
_NAMES = (int, float, str, NoneType)
"""What an entry may be called to be told by it: the text of a tuple can be longer than any file."""
_RECORD = re.compile(
    r"^[^/]+/(data\.pkl|data/[0-9]+|version|byteorder|\.format_version|\.storage_alignment|\.data/.*)$"
)
_TORCHSCRIPT = re.compile(r"^[^/]+/(constants\.pkl|code/.*)$")
_NETWORKS = ("model", "agent", "policy", "network", "net", "actor_critic", "ac", "ema")
_CHECKPOINTS = frozenset(
    {"state_dict", "params", "weights", "model_state", *_NETWORKS, *(f"{name}_state_dict" for name in _NETWORKS)}
)
"""Under which entry a checkpoint of a training keeps the weights."""
_NORMALISER = re.compile(
    r"^(?!.*(ret|rew|value|grad)).*(rms(?!prop)|running_mean|normali[sz]er|vec_?normali[sz]e"
    r"|(obs?|observations?|states?|inputs?)_?(norm|stats|mean|std|var|filter|scaler))",
    re.IGNORECASE,
)
"""How trainings call what they normalise observations by."""
OTHER_DICTS = "other_dicts."
"""Put before the names of those after the first, where a file holds a tuple of state dicts, as CleanRL's TD3 saves."""


@dataclass(frozen=True)
class Saved:
    """What a PyTorch file holds."""

    tensors: dict[str, Tensor]
    """float32"""
    notes: list[str]
    """What stood beside the weights, for the card."""
    normalisers: list[str]
    """Entries beside them that by their names say how observations were normalised; they are not read."""


@dataclass(frozen=True)
class TorchFile:
    """What was given to torch.save, with claims in place of tensors, and how to read the records that they claim."""

    root: Any
    record: Callable[[str], bytes]
    """Raises MalformedPolicy where there is none of that name."""

    def tensors(self, claims: Mapping[str, TensorClaim]) -> dict[str, Tensor]:
        """Those of floating point, as float32. Raises PolicyRejected."""
        if len(claims) > _MAX_TENSORS:
            raise UnpackedTooLarge(f"A state dict may hold {_MAX_TENSORS} tensors; this one holds {len(claims)}.")
        floats = {name: claim for name, claim in claims.items() if claim.storage.dtype.is_floating_point}
        total = sum(min(claim.count, claim.storage.count) * 4 for claim in floats.values())
        if total > MAX_UNPACKED:
            raise UnpackedTooLarge(f"The weights may have {MAX_UNPACKED} bytes as float32; these have {total}.")
        storages = {claim.storage for claim in floats.values()}
        numbers = {storage: storage.numbers(self.record(storage.key)) for storage in storages}
        return {name: claim.of(numbers[claim.storage]) for name, claim in floats.items()}


def is_torch_archive(archive: Archive) -> bool:
    """Whether torch.save or torch.jit.save wrote this zip."""
    return any(re.match(r"^[^/]+/data\.pkl$", name) for name in archive.names)


def read_torch_file(data: bytes) -> Saved:
    """A saved state dict, from the bytes of its file."""
    if not data.startswith(b"PK\x03\x04"):
        raise UnsafePickle(
            f"A PyTorch file must be a zip archive, since older kinds are bare pickles; this one is not. {SAVE_AGAIN}"
        )
    return state_dict_in(read_torch_archive(open_archive(data)))


def read_torch_archive(archive: Archive) -> TorchFile:
    """What torch.save wrote. Raises PolicyRejected."""
    _check_records(archive)
    prefix = archive.names[0].split("/", 1)[0]
    index = archive.read(f"{prefix}/data.pkl")
    if len(index) > MAX_PICKLE:
        raise UnpackedTooLarge(f"The index of a PyTorch file may have {MAX_PICKLE} bytes; this one has {len(index)}.")
    root = read_pickle(index).root

    def record(key: str) -> bytes:
        name = f"{prefix}/data/{key}"
        if name not in archive:
            raise MalformedPolicy(DAMAGED)
        return archive.read(name)

    return TorchFile(root, record)


def state_dict_in(file: TorchFile) -> Saved:
    """The weights in a file that holds them, or a checkpoint of a training with them, and little else."""
    notes: list[str] = []
    state = _unwrapped(file.root, notes)
    claims = _tensors_of(state, notes)
    beside = file.root if isinstance(file.root, Mapping) and state is not file.root else {}
    normalisers = [name for name in beside if isinstance(name, str) and _NORMALISER.search(name)]
    return Saved(file.tensors(claims), notes, normalisers)


def _check_records(archive: Archive) -> None:
    names = archive.names
    if any(_TORCHSCRIPT.match(name) for name in names):
        raise UnsupportedFormat(
            "A TorchScript file carries a program and is not taken. Export the network to ONNX, or save its weights "
            "with torch.save(network.state_dict(), path)."
        )
    if not archive.is_stored:
        raise MalformedPolicy(f"The records of a PyTorch file are stored, not compressed; here some are. {SAVE_AGAIN}")
    prefixes = {name.split("/", 1)[0] for name in names}
    if len(prefixes) != 1 or not all(_RECORD.match(name) for name in names):
        raise UnsupportedFormat(f"The archive holds more than a state dict of PyTorch does. {SAVE_AGAIN}")
    order = next((name for name in names if name.endswith("/byteorder")), None)
    if order is not None and archive.read(order) != b"little":
        raise UnsupportedFormat(f"The numbers of a PyTorch file have their lowest byte first; here not. {SAVE_AGAIN}")


def is_bare_pickle(data: bytes) -> bool:
    """Whether the bytes are a pickle, of any protocol, without a container."""
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    try:
        operations = [opcode.name for opcode, _, _ in pickletools.genops(data[:MAX_PICKLE])]
    except (ValueError, IndexError, KeyError, OverflowError, UnicodeDecodeError):
        return False
    return len(operations) > 1


def _unwrapped(loaded: Any, notes: list[str]) -> Mapping[Any, Any]:
    """The state dict itself, out of a checkpoint that holds it under one of the usual names."""
    if isinstance(loaded, tuple) and 1 < len(loaded) < _MAX_DICTS and all(isinstance(d, Mapping) for d in loaded):
        return _joined(loaded)
    if not isinstance(loaded, Mapping):
        raise ArchitectureMismatch(
            f"A PyTorch file must hold one dict of tensors by name; this one does not. {SAVE_AGAIN}"
        )
    nested = _names_of_states(loaded)
    found = [name for name in nested if name in _CHECKPOINTS]
    if _has_tensors(loaded) and not found:
        return loaded
    if nested and not found:
        raise ArchitectureMismatch(
            "A checkpoint must hold the weights of a known network (Stable-Baselines3's, CleanRL's) under one of the "
            f"usual names, such as 'model' or 'state_dict'; this one has tensors under {listed(nested)} alone. "
            f"{WAY_OUT}"
        )
    if len(found) != 1:
        raise ArchitectureMismatch(
            "A checkpoint must hold the weights under one of the usual names, such as 'model' or 'state_dict'; this "
            f"one has {listed(found) or 'none of those'}. {SAVE_AGAIN}"
        )
    others = [name for name in loaded if name != found[0]]
    notes.append(f"entry {found[0]!r}: read" + (f"; {listed(others)}: ignored" if others else ""))
    state: Mapping[Any, Any] = loaded[found[0]]
    return state


def _names_of_states(loaded: Mapping[Any, Any]) -> list[Any]:
    """The entries that hold tensors. A pickle may name one large dict many times: each is looked at once."""
    held = {id(value): value for value in loaded.values()}
    states = {key for key, value in held.items() if _has_tensors(value)}
    return [name for name, value in loaded.items() if id(value) in states]


def _has_tensors(value: Any) -> bool:
    return isinstance(value, Mapping) and any(isinstance(item, TensorClaim) for item in value.values())


def listed(names: Sequence[Any]) -> str:
    """The first of these entries of a file, in characters that are safe to repeat."""
    shown = ", ".join(repr(plain(str(name))) if isinstance(name, _NAMES) else "another" for name in names[:_MAX_LISTED])
    return f"{shown} and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else shown


def _joined(dicts: tuple[Mapping[str, Any], ...]) -> Mapping[str, Any]:
    """The first of several state dicts, which is the actor's, with the others under names of their own."""
    others = {
        f"{OTHER_DICTS}{at}.{name}": value
        for at, other in enumerate(dicts[1:])
        for name, value in other.items()
        if isinstance(name, str)
    }
    return {**dicts[0], **others}


def _tensors_of(state: Mapping[Any, Any], notes: list[str]) -> dict[str, TensorClaim]:
    """The entries that are tensors; a count of steps or the like beside them plays no part."""
    plainly = [name for name, value in state.items() if isinstance(value, _PLAIN) or value is None]
    claims = {name: value for name, value in state.items() if isinstance(value, TensorClaim) and isinstance(name, str)}
    if len(claims) + len(plainly) != len(state):
        raise ArchitectureMismatch(
            f"Every entry of a state dict is a tensor with a name; here one is not. {SAVE_AGAIN}"
        )
    if plainly:
        notes.append(f"{listed(plainly)}: no tensors, ignored")
    return claims
