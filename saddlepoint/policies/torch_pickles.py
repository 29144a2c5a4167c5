"""The pickle in a PyTorch file, read without torch's loader: tensors become claims on records, all else plain data.

A name that is not known is refused before anything is made of it, and the known ones make nothing but records.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch, MalformedPolicy, PolicyRejected, UnsafePickle
from saddlepoint.inert import InertReader
from saddlepoint.policies.naming import plain

SAVE_AGAIN = "Save it with torch.save(network.state_dict(), path) of any PyTorch since 1.6."
DAMAGED = f"The PyTorch file is damaged or truncated. {SAVE_AGAIN}"
MAX_PICKLE = 16 * 2**20
_MAX_AXES = 64
"""As torch has it."""
_DTYPES: Mapping[str, torch.dtype] = {
    "Float": torch.float32,
    "Double": torch.float64,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
}
_RECORDED = re.compile(
    r"argparse Namespace"
    r"|(__builtin__|builtins) (bytes|bytearray)"
    r"|_codecs encode"
    r"|numpy (dtype|ndarray)"
    r"|numpy\._?core\.multiarray (_reconstruct|scalar)"
    r"|numpy\._?core\.numeric _frombuffer"
    r"|numpy\.random __RandomState_ctor"
    r"|numpy\.random\.bit_generator (__pyx_unpickle_)?SeedSequence"
    r"|numpy\.random\._pickle __(randomstate|generator|bit_generator)_ctor"
    r"|numpy\.random\._(mt19937|pcg64|philox|sfc64) \w+"
    r"|gym(nasium)?\.(envs|spaces|wrappers)\.[\w.]+ \w+"
    r"|policy_gradients\.(custom_env|torch_utils) \w+"
)
"""Objects that trainings keep beside their weights: settings, arrays, and environments with their normalisers."""


class _Sealed:
    """What a pickle cannot change once it is made."""

    def __setstate__(self, state: Any) -> None:
        raise ValueError("takes no state")


@dataclass(frozen=True)
class Storage(_Sealed):
    """`count` numbers in a row, under the name `key` of a record of the file."""

    dtype: torch.dtype
    key: str
    count: int

    def numbers(self, record: bytes) -> Tensor:
        """(count,), of the bytes of that record. Raises MalformedPolicy."""
        if len(record) != self.count * self.dtype.itemsize:
            raise MalformedPolicy(DAMAGED)
        return torch.frombuffer(bytearray(record), dtype=self.dtype) if record else torch.empty(0, dtype=self.dtype)


@dataclass(frozen=True)
class TensorClaim(_Sealed):
    """A tensor as a pickle claims it, of which nothing is checked yet but the types."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return prod(self.shape)

    def of(self, numbers: Tensor) -> Tensor:
        """The tensor itself, float32, of the numbers in its storage. Raises MalformedPolicy, ArchitectureMismatch."""
        if self.count > len(numbers):
            # One of 1 KB can say that it has 40 GB.
            raise ArchitectureMismatch(f"Weights must not be expanded views; here one is. {SAVE_AGAIN}")
        reach = sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        if self.count and self.offset + reach >= len(numbers):
            raise MalformedPolicy(DAMAGED)
        if not self.count:
            return torch.empty(self.shape)
        return numbers.as_strided(self.shape, self.strides, self.offset).float().contiguous()


class _Dict(OrderedDict[Any, Any]):
    """An OrderedDict that takes no attributes, of which a state dict has one for the versions of its modules."""

    def __setstate__(self, state: Any) -> None:
        pass


@dataclass(frozen=True)
class _Maker(_Sealed):
    """A function as a pickle may call it."""

    make: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        return self.make(*args)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, _: Any, __: Any, kept: Any = None) -> TensorClaim:
    """As torch._utils._rebuild_tensor_v2 is called; `kept` is of views that are negated or conjugated."""
    if not (isinstance(storage, Storage) and type(shape) is type(strides) is tuple and len(shape) <= _MAX_AXES):
        raise ValueError("no tensor")
    if len(shape) != len(strides) or not all(map(_is_size, (offset, *shape, *strides))):
        raise ValueError("no tensor")
    if kept:
        raise ArchitectureMismatch(f"Weights must be plain tensors; one here is a negated view. {SAVE_AGAIN}")
    return TensorClaim(storage, offset, shape, strides)


def _parameter(data: Any, *_: Any) -> Any:
    return data


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**48


_MAKERS: Mapping[str, Callable[..., Any]] = {
    "collections OrderedDict": _Dict,
    "torch._utils _rebuild_tensor_v2": _Maker(_tensor),
    "torch._utils _rebuild_parameter": _Maker(_parameter),
    "torch Size": tuple,
}
"""What a state dict of dense tensors names. Sparse, quantised and subclassed tensors name more."""


class _Reader(InertReader):
    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.storages: dict[str, Storage] = {}

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        name = f"{module_name} {global_name}"
        if name in _MAKERS:
            return _MAKERS[name]
        kind = name.removeprefix("torch ").removesuffix("Storage")
        if name == f"torch {kind}Storage" and kind in _DTYPES:
            return _DTYPES[kind]
        if _RECORDED.fullmatch(name):
            return super().find_class(module_name, global_name)
        raise UnsafePickle(
            f"A PyTorch file may hold only a dict of dense tensors; this pickle names "
            f"{plain(name.replace(' ', '.'))!r}, which could run code when loaded. {SAVE_AGAIN}"
        )

    def persistent_load(self, pid: Any, /) -> Storage:
        match pid:
            case ("storage", torch.dtype() as dtype, str(key), str(), count, *view) if _is_size(count) and not any(
                view
            ):
                return self.storages.setdefault(key, Storage(dtype, key, count))
        raise ValueError("no storage")


@dataclass(frozen=True)
class Pickled:
    """What a pickle held, the storages that it claims by their keys, and where in the file it ends."""

    root: Any
    storages: Mapping[str, Storage]
    end: int


def read_pickle(data: bytes, start: int = 0) -> Pickled:
    """The pickle at `start`, of at most 16 MB.

    Raises UnsafePickle where it names what is not known, and other kinds of PolicyRejected.
    """
    try:
        reader = _Reader(data[start : start + MAX_PICKLE])
        return Pickled(reader.load(), reader.storages, start + reader.end)
    except (PolicyRejected, MemoryError):
        raise
    except Exception as error:
        # Whatever a pickle machine finds wrong (a dozen exception types) is wrong with the file.
        raise MalformedPolicy(DAMAGED) from error
