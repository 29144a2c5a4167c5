"""Reads a torch.save file: its zip and pickle are checked by us first, then `weights_only=True` loads a clean copy."""

import io
import pickletools
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
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
from saddlepoint.policies.retelling import DAMAGED, MAX_PICKLE, SAVE_AGAIN, retold

_MAX_TENSORS = 4096
_MAX_DICTS = 8
_MAX_LISTED = 8
_PLAIN = (int, float, str)
_RECORD = re.compile(
    r"^[^/]+/(data\.pkl|data/[0-9]+|version|byteorder|\.format_version|\.storage_alignment|\.data/.*)$"
)
_TORCHSCRIPT = re.compile(r"^[^/]+/(constants\.pkl|code/.*)$")
_NETWORKS = ("model", "agent", "policy", "network", "net", "actor_critic", "ac", "ema")
_CHECKPOINTS = frozenset(
    {"state_dict", "params", "weights", "model_state", *_NETWORKS, *(f"{name}_state_dict" for name in _NETWORKS)}
)
"""Under which entry a checkpoint of a training keeps the weights."""
OTHER_DICTS = "other_dicts."
"""Put before the names of those after the first, where a file holds a tuple of state dicts, as CleanRL's TD3 saves."""


@dataclass(frozen=True)
class Saved:
    """What a PyTorch file holds."""

    tensors: dict[str, Tensor]
    """float32"""
    notes: list[str]
    """What stood beside the weights, for the card."""


def is_torch_archive(archive: Archive) -> bool:
    """Whether torch.save or torch.jit.save wrote this zip."""
    return any(re.match(r"^[^/]+/data\.pkl$", name) for name in archive.names)


def read_torch_file(data: bytes) -> Saved:
    """A saved state dict, from the bytes of its file."""
    if not data.startswith(b"PK\x03\x04"):
        raise UnsafePickle(
            f"A PyTorch file must be a zip archive, since older kinds are bare pickles; this one is not. {SAVE_AGAIN}"
        )
    return read_torch_archive(open_archive(data))


def read_torch_archive(archive: Archive) -> Saved:
    """A saved state dict; see `read_torch_file`."""
    _check_records(archive)
    names = archive.names
    prefix = names[0].split("/", 1)[0]
    index = retold(archive.read(f"{prefix}/data.pkl"))
    try:
        loaded = torch.load(_clean_copy(archive, prefix, index), map_location="cpu", weights_only=True)
    except Exception as error:
        # Whatever torch finds wrong here (a dozen exception types) is wrong with the file.
        raise MalformedPolicy(DAMAGED) from error
    notes: list[str] = []
    tensors = _tensors_of(_unwrapped(loaded, notes), notes)
    return Saved(_dense_floats(tensors), notes)


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


def _clean_copy(archive: Archive, prefix: str, index: bytes) -> io.BytesIO:
    """The records in a new archive with `index`: torch reads zips with another parser, which must see the same."""
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as target:
        target.writestr("archive/data.pkl", index)
        for name in archive.names:
            if name != f"{prefix}/data.pkl" and not name.startswith(f"{prefix}/.data/"):
                target.writestr("archive/" + name.split("/", 1)[1], archive.read(name))
    copy.seek(0)
    return copy


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
    if _has_tensors(loaded):
        return loaded
    found = [name for name, value in loaded.items() if name in _CHECKPOINTS and _has_tensors(value)]
    nested = [name for name, value in loaded.items() if _has_tensors(value)]
    if nested and not found:
        raise ArchitectureMismatch(
            "A checkpoint must hold the weights of a known network (Stable-Baselines3's, CleanRL's) under one of the "
            f"usual names, such as 'model' or 'state_dict'; this one has tensors under {_listed(nested)} alone. "
            f"{WAY_OUT}"
        )
    if len(found) != 1:
        raise ArchitectureMismatch(
            "A checkpoint must hold the weights under one of the usual names, such as 'model' or 'state_dict'; this "
            f"one has {_listed(found) or 'none of those'}. {SAVE_AGAIN}"
        )
    others = [name for name in loaded if name != found[0]]
    notes.append(f"entry {found[0]!r}: read" + (f"; {_listed(others)}: ignored" if others else ""))
    return cast(Mapping[Any, Any], loaded[found[0]])


def _has_tensors(value: Any) -> bool:
    return isinstance(value, Mapping) and any(isinstance(item, Tensor) for item in value.values())


def _listed(names: Sequence[Any]) -> str:
    shown = ", ".join(repr(plain(str(name))) for name in names[:_MAX_LISTED])
    return f"{shown} and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else shown


def _joined(dicts: tuple[Mapping[str, Any], ...]) -> Mapping[str, Any]:
    """The first of several state dicts, which is the actor's, with the others under names of their own."""
    others = {f"{OTHER_DICTS}{at}.{name}": value for at, other in enumerate(dicts[1:]) for name, value in other.items()}
    return {**dicts[0], **others}


def _tensors_of(state: Mapping[Any, Any], notes: list[str]) -> dict[str, Tensor]:
    """The entries that are tensors; a count of steps or the like beside them plays no part."""
    plainly = [name for name, value in state.items() if isinstance(value, _PLAIN) or value is None]
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor) and isinstance(name, str)}
    if len(tensors) + len(plainly) != len(state):
        raise ArchitectureMismatch(
            f"Every entry of a state dict is a tensor with a name; here one is not. {SAVE_AGAIN}"
        )
    if plainly:
        notes.append(f"{_listed(plainly)}: no tensors, ignored")
    return tensors


def _dense_floats(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if len(tensors) > _MAX_TENSORS:
        raise UnpackedTooLarge(f"A state dict may hold {_MAX_TENSORS} tensors; this one holds {len(tensors)}.")
    for tensor in tensors.values():
        if tensor.layout is not torch.strided or tensor.is_complex() or tensor.is_quantized or tensor.is_meta:
            raise ArchitectureMismatch(f"Weights must be dense real tensors; here one is not. {SAVE_AGAIN}")
        # An expanded tensor of 1 KB can say that it has 40 GB.
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise ArchitectureMismatch(f"Weights must not be expanded views; here one is. {SAVE_AGAIN}")
    total = sum(tensor.numel() * 4 for tensor in tensors.values())
    if total > MAX_UNPACKED:
        raise UnpackedTooLarge(f"The weights may have {MAX_UNPACKED} bytes as float32; these have {total}.")
    floats = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
    return {name: tensor.detach().float().contiguous() for name, tensor in floats.items()}
