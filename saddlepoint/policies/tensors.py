"""Reads safetensors (https://github.com/huggingface/safetensors#format) more strictly than its own library does."""

import json
import re
from typing import Any

import torch
from torch import Tensor

from saddlepoint.errors import MalformedPolicy, ResourceLimit

MAX_HEADER = 2**20
MAX_TENSORS = 4096
_NAME = re.compile(r"^[A-Za-z0-9_.-]{1,200}$")
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
}
_AGAIN = "Write the file again with safetensors.torch.save_file(network.state_dict(), path)."


def is_safetensors(data: bytes) -> bool:
    """Whether the bytes begin as a safetensors file: eight bytes of header length, then a JSON object."""
    return len(data) > 9 and data[8:9] == b"{" and int.from_bytes(data[:8], "little") < 2**40


def read_safetensors(data: bytes) -> dict[str, Tensor]:
    """The floating-point tensors of the file, as float32."""
    header, start = _header(data)
    entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
    if len(entries) > MAX_TENSORS:
        raise ResourceLimit(f"A policy may have {MAX_TENSORS} tensors; this file has {len(entries)}.")
    body = memoryview(data)[start:]
    spans = sorted((_offsets(entry), name) for name, entry in entries.items())
    end = 0
    for (first, last), _ in spans:
        if first != end:
            raise MalformedPolicy(f"The tensors of a safetensors file follow each other; here some do not. {_AGAIN}")
        end = last
    if end != len(body):
        raise MalformedPolicy(f"The tensors of this file end at byte {end}, its data at {len(body)}. {_AGAIN}")
    tensors = {name: _tensor(name, entry, body) for name, entry in entries.items()}
    return {name: tensor.float() for name, tensor in tensors.items() if tensor.is_floating_point()}


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    length = int.from_bytes(data[:8], "little")
    if length > MAX_HEADER:
        raise ResourceLimit(f"The header of a safetensors file may have {MAX_HEADER} bytes; this one says {length}.")
    if 8 + length > len(data):
        raise MalformedPolicy(f"The safetensors file is truncated in its header. {_AGAIN}")
    try:
        header = json.loads(data[8 : 8 + length], object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise MalformedPolicy(f"The header of the safetensors file is not plain JSON. {_AGAIN}") from error
    if not isinstance(header, dict):
        raise MalformedPolicy(f"The header of a safetensors file is a JSON object; this one is not. {_AGAIN}")
    return header, 8 + length


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _offsets(entry: Any) -> tuple[int, int]:
    match entry:
        case {"dtype": str(), "shape": list(), "data_offsets": [int(first), int(last)]} if 0 <= first <= last:
            return first, last
    raise MalformedPolicy(f"Each tensor has a dtype, a shape and two offsets; one here has not. {_AGAIN}")


def _tensor(name: str, entry: dict[str, Any], body: memoryview) -> Tensor:
    if not _NAME.match(name):
        raise MalformedPolicy(f"The name of a tensor is letters, digits, '.', '_' and '-'; one here is not. {_AGAIN}")
    dtype = _DTYPES.get(entry["dtype"])
    if dtype is None:
        raise MalformedPolicy(f"Tensors must have one of the types {', '.join(_DTYPES)}; one has another. {_AGAIN}")
    first, last = entry["data_offsets"]
    count = 1
    for size in entry["shape"]:
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(body):
            raise MalformedPolicy(f"A shape is a list of whole numbers; one here is not. {_AGAIN}")
        count *= size
    if count * dtype.itemsize != last - first:
        raise MalformedPolicy(f"A tensor of {count} numbers does not fit its {last - first} bytes. {_AGAIN}")
    if count == 0:
        return torch.empty(entry["shape"], dtype=dtype)
    return torch.frombuffer(bytearray(body[first:last]), dtype=dtype).reshape(entry["shape"])
