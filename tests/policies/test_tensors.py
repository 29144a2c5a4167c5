"""Safetensors files are read more strictly than their format asks."""

import json
from typing import Any

import pytest
import torch
from safetensors.torch import save

from saddlepoint.errors import MalformedPolicy, PolicyRejected, ResourceLimit
from saddlepoint.policies.tensors import read_safetensors

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


def file_of(header: Any, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def entry(shape: list[Any], start: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def many(count: int) -> bytes:
    """A file of empty tensors."""
    return file_of({f"t{at}": entry([0], 0, 0) for at in range(count)})


ENTRY = json.dumps(entry([1], 0, 4)).encode()


@pytest.mark.parametrize("dtype", DTYPES)
def test_floats_of_any_width_come_out_as_float32(dtype: torch.dtype) -> None:
    tensors = {"a": torch.tensor([[1.5, -2.0]], dtype=dtype), "b": torch.tensor(3.0, dtype=dtype)}
    read = read_safetensors(save(tensors, metadata={"any": "thing"}))
    assert {name: (tensor.dtype, tensor.tolist()) for name, tensor in read.items()} == {
        "a": (torch.float32, [[1.5, -2.0]]),
        "b": (torch.float32, 3.0),
    }


def test_integers_are_left_out() -> None:
    assert set(read_safetensors(save({"w": torch.ones(2), "count": torch.tensor(3)}))) == {"w"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(file_of(b'{"a": %s, "a": %s}' % (ENTRY, ENTRY), bytes(4)), MalformedPolicy, id="duplicate"),
        pytest.param(many(4097), ResourceLimit, id="4097 tensors"),
        pytest.param(many(600_000), ResourceLimit, id="600,000 tensors"),
        pytest.param(file_of({"__metadata__": {"x": "y" * 10_000_000}}), ResourceLimit, id="metadata of 10 MB"),
        pytest.param(file_of({"a": entry([2], 0, 4)}, bytes(4)), MalformedPolicy, id="shape"),
        pytest.param(file_of({"a": entry([1], 0, 4)}, bytes(3)), MalformedPolicy, id="truncated body"),
        pytest.param(file_of({"a": entry([1], 0, 4)}, bytes(5)), MalformedPolicy, id="trailing bytes"),
        pytest.param(file_of({"a": entry([1], 0, 4), "b": entry([1], 0, 4)}, bytes(4)), MalformedPolicy, id="overlap"),
        pytest.param(file_of({"a": entry([1], 4, 8)}, bytes(8)), MalformedPolicy, id="hole"),
        pytest.param(file_of({"a": entry([1], 4, 0)}, bytes(4)), MalformedPolicy, id="backwards"),
        pytest.param(file_of({"a": entry([-1, -1], 0, 4)}, bytes(4)), MalformedPolicy, id="negative"),
        pytest.param(file_of({"a": entry([2**62, 4], 0, 0)}), MalformedPolicy, id="overflow"),
        pytest.param(file_of({"a": entry([1.0], 0, 4)}, bytes(4)), MalformedPolicy, id="no integers"),
        pytest.param(file_of({"a": entry([1], 0, 4, "F8_E4M3")}, bytes(4)), MalformedPolicy, id="type"),
        pytest.param(file_of({"__import__('os')": entry([1], 0, 4)}, bytes(4)), MalformedPolicy, id="name"),
        pytest.param(file_of({"a": 3}), MalformedPolicy, id="no entry"),
        pytest.param(file_of({"a": {"dtype": "F32"}}), MalformedPolicy, id="half an entry"),
        pytest.param(file_of(b"[]"), MalformedPolicy, id="no object"),
        pytest.param(file_of(b'{"a":' + b"[" * 100_000), MalformedPolicy, id="deep"),
        pytest.param(file_of(b'{"a"'), MalformedPolicy, id="no JSON"),
        pytest.param(file_of(b"{\xff}"), MalformedPolicy, id="no text"),
        pytest.param(file_of({})[:9], MalformedPolicy, id="truncated header"),
        pytest.param((2**63).to_bytes(8, "little") + b"{}", ResourceLimit, id="endless header"),
    ],
)
def test_files_out_of_the_ordinary_are_refused(data: bytes, expected: type[PolicyRejected]) -> None:
    with pytest.raises(expected):
        read_safetensors(data)
