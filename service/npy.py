"""The header of an .npy file, read by its bytes alone: plain numbers in C order, and exactly as many as it says.

numpy writes the header as a Python literal. Only the one spelling that `numpy.save` has is taken, so nothing is
evaluated, and what could be unpickled is no number.
"""

import re
from math import prod
from pathlib import Path

from saddlepoint.errors import InvalidRequest
from saddlepoint.schemas.observation_attacks import ObservationArray

_MAGIC = b"\x93NUMPY"
_LONGEST = 4096
_MOST_AXES = 8
_DTYPES = {"<f4": ("float32", 4), "<f8": ("float64", 8), "|u1": ("uint8", 1)}
_HEADER = re.compile(
    rb"\{'descr': '(?P<descr>[<>|=]?[A-Za-z][0-9]{1,4})', 'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>[0-9]{1,12}(?:, ?[0-9]{1,12}){0,15},?)\),? ?\} *\n?"
)


def read_header(path: Path) -> ObservationArray:
    """What the file at `path` says it holds, and does by its size. Raises InvalidRequest. May block."""
    with path.open("rb") as stream:
        head = stream.read(12 + _LONGEST)
    size = path.stat().st_size
    text, start = _split(head)
    found = _HEADER.fullmatch(text)
    if found is None:
        raise InvalidRequest(
            "The observations must be one plain array of numbers as numpy.save writes it; objects, records and scalars "
            "are not taken. Send an array of float32, float64 or uint8."
        )
    descr = found["descr"].decode()
    if descr not in _DTYPES:
        raise InvalidRequest(f"The observations must be float32, float64 or uint8, got {descr!r}; convert them.")
    if found["fortran"] == b"True":
        raise InvalidRequest("The observations must be in C order; save numpy.ascontiguousarray of them.")
    name, width = _DTYPES[descr]
    shape = tuple(int(number) for number in found["shape"].split(b",") if number.strip())
    if not 2 <= len(shape) <= _MOST_AXES:
        raise InvalidRequest(f"The observations have the shape (N, *observation), got {list(shape)[:9]}; reshape them.")
    if start + prod(shape) * width != size:
        raise InvalidRequest(
            f"The observations' header says {prod(shape) * width:,} bytes of numbers, {size - start:,} came; "
            "send the file in full."
        )
    return ObservationArray(shape=shape, dtype=name)


def _split(head: bytes) -> tuple[bytes, int]:
    """The header's text, and where the numbers begin (numpy.lib.format)."""
    if head[:6] != _MAGIC or len(head) < 10:
        raise InvalidRequest("The observations must be an .npy file; write them with numpy.save.")
    wide = head[6] >= 2
    start = 12 if wide else 10
    length = int.from_bytes(head[8:start], "little")
    if head[6] not in (1, 2, 3) or length > _LONGEST:
        raise InvalidRequest(
            f"The header of an .npy file is of version 1 to 3 and here of at most {_LONGEST} bytes; use numpy.save."
        )
    return head[start : start + length], start + length
