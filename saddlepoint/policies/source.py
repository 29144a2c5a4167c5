"""One node of an ONNX file as the lowering sees it: attributes and inputs in Python terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx
import torch
from onnx import AttributeProto, TensorProto, numpy_helper
from torch import Tensor

from saddlepoint.errors import MalformedPolicy, UnsupportedArchitecture, UnsupportedOperator
from saddlepoint.policies.builder import Known, Live, Value

_DTYPES: dict[int, torch.dtype] = {
    TensorProto.FLOAT: torch.float32,
    TensorProto.DOUBLE: torch.float32,
    TensorProto.FLOAT16: torch.float32,
    TensorProto.BFLOAT16: torch.float32,
    TensorProto.INT64: torch.int64,
    TensorProto.INT32: torch.int64,
    TensorProto.INT16: torch.int64,
    TensorProto.INT8: torch.int64,
    TensorProto.UINT8: torch.int64,
    TensorProto.BOOL: torch.bool,
}
"""Floats are computed in float32 whatever the file holds, integers in int64."""
Reshapes = Literal["as they are", "steps free", "steps first"]
"""How reshapes of a file for one batch size and one step are read where both are possible: what they leave free (-1) is
the number of steps, or of two ones the first is."""
FLOATS = frozenset({TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16})
HALVES = frozenset({TensorProto.FLOAT16, TensorProto.BFLOAT16})
_FIELDS: dict[int, str] = {
    TensorProto.FLOAT: "float_data",
    TensorProto.DOUBLE: "double_data",
    TensorProto.INT64: "int64_data",
}


def dtype_of(code: int) -> torch.dtype:
    """The type in which elements of an ONNX type are computed; UnsupportedOperator for others."""
    if code not in _DTYPES:
        raise UnsupportedOperator(
            "Tensors of a policy hold floats, integers or booleans; this model has elements of "
            f"the ONNX type {code}. Export it without strings, sequences and quantised types."
        )
    return _DTYPES[code]


def tensor_of(proto: TensorProto) -> Tensor:
    """The tensor a file spells, after checking that the stated shape has the bytes it needs."""
    dtype = dtype_of(proto.data_type)
    count = 1
    for size in proto.dims:
        count *= size
    itemsize = onnx.helper.tensor_dtype_to_np_dtype(proto.data_type).itemsize
    field = _FIELDS.get(proto.data_type, "int32_data")
    given = len(proto.raw_data) // itemsize if proto.raw_data else len(getattr(proto, field))
    if any(size < 0 for size in proto.dims) or given != count:
        raise MalformedPolicy(
            f"A weight of shape {list(proto.dims)} needs {count} numbers, the file has {given} "
            "for it. Export the model again."
        )
    array = np.array(numpy_helper.to_array(proto), copy=True)
    if proto.data_type in FLOATS:
        # What is too large for float32 becomes infinite, and is refused where it is used.
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
    return torch.from_numpy(array).to(dtype)


@dataclass(frozen=True)
class SourceNode:
    """One node of the file, with the values of its inputs (None: an optional input left out)."""

    proto: onnx.NodeProto
    inputs: Sequence[Value | None]
    opset: int
    baked_batch: int | None
    """The batch size that the file fixes, if it does: shapes in it speak of that batch."""
    reshapes: Reshapes = "as they are"

    @property
    def op(self) -> str:
        return self.proto.op_type

    def value(self, index: int) -> Value:
        """Input `index`, which must be there."""
        value = self.maybe(index)
        if value is None:
            raise MalformedPolicy(f"{self.op} needs an input number {index + 1}; it has none.")
        return value

    def maybe(self, index: int) -> Value | None:
        """Input `index`, or None."""
        return self.inputs[index] if index < len(self.inputs) else None

    def live(self, index: int) -> Live:
        """Input `index`, which must depend on the observation."""
        value = self.value(index)
        if not isinstance(value, Live):
            raise UnsupportedArchitecture(f"{self.op} applied to constants alone is not supported.")
        return value

    def known(self, index: int) -> Known:
        """Input `index`, which must not depend on the observation."""
        value = self.value(index)
        if not isinstance(value, Known):
            raise UnsupportedOperator(
                f"Input {index + 1} of {self.op} must be a constant; here it depends on the "
                "observation. Export a network whose shapes and indices are fixed."
            )
        return value

    def constant(self, index: int) -> Tensor:
        """Input `index`, which must be a constant that is the same at every batch size."""
        first, second = self.known(index).at
        if first is not second and (first.shape != second.shape or not torch.equal(first, second)):
            raise UnsupportedArchitecture(
                f"Input {index + 1} of {self.op} must not depend on the batch size; here it does."
            )
        return first

    def probes(self, index: int) -> tuple[list[int], list[int]]:
        """The integers of constant input `index` at both probe batches."""
        first, second = self.known(index).at
        return _integers(first), _integers(second)

    def ints_at(self, index: int) -> list[int]:
        """The integers of constant input `index`."""
        return _integers(self.constant(index))

    def scalar_at(self, index: int, default: float) -> float:
        """The number of constant input `index`, or `default` where it is left out."""
        if self.maybe(index) is None:
            return default
        tensor = self.constant(index)
        if tensor.numel() != 1:
            raise MalformedPolicy(f"Input {index + 1} of {self.op} must be a single number.")
        return float(tensor)

    def attribute(self, name: str) -> AttributeProto | None:
        """The attribute `name`, or None."""
        return next((item for item in self.proto.attribute if item.name == name), None)

    def ints(self, name: str) -> list[int] | None:
        """An attribute of integers."""
        item = self.attribute(name)
        return None if item is None else list(item.ints)

    def int(self, name: str, default: int) -> int:
        """An integer attribute."""
        item = self.attribute(name)
        return default if item is None else item.i

    def float(self, name: str, default: float) -> float:
        """A float attribute."""
        item = self.attribute(name)
        return default if item is None else item.f

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        item = self.attribute(name)
        return default if item is None else item.s.decode("ascii", "replace")

    def texts(self, name: str) -> list[str]:
        """An attribute of strings."""
        item = self.attribute(name)
        return [] if item is None else [text.decode("ascii", "replace") for text in item.strings]


def _integers(tensor: Tensor) -> list[int]:
    if tensor.numel() > 1024 or tensor.is_floating_point():
        raise MalformedPolicy("A shape, axis or index list must be a short list of integers.")
    return [int(number) for number in tensor.reshape(-1).tolist()]
