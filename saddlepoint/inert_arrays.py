"""The numbers of NumPy's arrays and scalars in a pickle read as records, without NumPy."""

import struct
from itertools import product
from math import prod
from typing import Any

from saddlepoint.inert import Recorded

_CODES = {"f8": "d", "f4": "f", "f2": "e", "i8": "q", "i4": "i"}
_MAX_AXES = 64
"""As NumPy has it."""
_ORDERS = {"<": "<", "|": "<", "=": "<", ">": ">"}


def numbers_of(value: Any) -> list[float]:
    """The entries of an array, in C order, or of a number. Raises ValueError where it is neither."""
    match value:
        case bool():
            raise ValueError("a truth value is no number")
        case int() | float():
            return [float(value)]
        case Recorded(origin=(_, "_reconstruct"), state=(_, tuple(shape), Recorded() as dtype, is_fortran, data)):
            return _entries(shape, dtype, data, is_fortran=bool(is_fortran))
        case Recorded(origin=(_, "_frombuffer"), args=(data, Recorded() as dtype, tuple(shape), order)):
            return _entries(shape, dtype, data, is_fortran=order == "F")
        case Recorded(origin=(_, "scalar"), args=(Recorded() as dtype, data)):
            return _entries((), dtype, data, is_fortran=False)
    raise ValueError("neither an array nor a number")


def _entries(shape: tuple[Any, ...], dtype: Recorded, data: Any, *, is_fortran: bool) -> list[float]:
    if len(shape) > _MAX_AXES or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise ValueError("no shape")
    content, code = _bytes(data), _code(dtype)
    if struct.calcsize(code) * prod(shape) != len(content):
        raise ValueError("the data does not fit the shape")
    entries = [float(number) for (number,) in struct.iter_unpack(code, content)]
    return _c_order(entries, shape) if is_fortran and len(shape) > 1 else entries


def _code(dtype: Recorded) -> str:
    """Such as '<d', of what `numpy.dtype` was called with ('f8') and the state it was given (3, '<', ...)."""
    match dtype:
        case Recorded(origin=(_, "dtype"), args=(str(name), *_), state=(_, str(order), *_)) if name in _CODES:
            return _ORDERS[order] + _CODES[name]
    raise ValueError("not an array of numbers")


def _bytes(data: Any) -> bytes:
    match data:
        case bytes() | bytearray():
            return bytes(data)
        case Recorded(origin=("_codecs", "encode"), args=(str(text), *_)):
            # Protocol 2 has no bytes: it writes them as text.
            return text.encode("latin-1")
        case Recorded(origin=("__builtin__", "bytes"), args=()):
            return b""
    raise ValueError("no bytes")


def _c_order(entries: list[float], shape: tuple[int, ...]) -> list[float]:
    strides = [prod(shape[:axis]) for axis in range(len(shape))]
    places = product(*(range(size) for size in shape))
    return [entries[sum(at * stride for at, stride in zip(place, strides, strict=True))] for place in places]
