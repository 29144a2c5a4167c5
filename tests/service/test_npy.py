"""The header of an .npy file by its bytes."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saddlepoint.errors import InvalidRequest
from service.npy import read_header

ARRAY = np.zeros((3, 4), np.float32)


def saved(array: Any, *, version: tuple[int, int] = (1, 0)) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), version=version)
    return buffer.getvalue()


def header(folder: Path, data: bytes) -> tuple[tuple[int, ...], str]:
    path = folder / "x.npy"
    path.write_bytes(data)
    found = read_header(path)
    return found.shape, found.dtype


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("shape", [(1, 1), (7, 4), (2, 4, 84, 84)])
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_what_numpy_saves_is_read(tmp_path: Path, dtype: str, shape: tuple[int, ...], version: tuple[int, int]) -> None:
    assert header(tmp_path, saved(np.zeros(shape, dtype), version=version)) == (shape, dtype)


def test_an_array_without_rows_says_so(tmp_path: Path) -> None:
    assert header(tmp_path, saved(np.zeros((0, 4), np.float32))) == ((0, 4), "float32")


def spelt(text: bytes, numbers: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + numbers


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "numpy.save"),
        (b"PK\x03\x04 an archive", "numpy.save"),
        (b"\x93NUMPY\x09\x00" + b"\x00" * 20, "version"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "at most"),
        (saved(ARRAY)[:-1], "in full"),
        (saved(ARRAY) + b"x", "in full"),
        (saved(ARRAY)[:40], "plain array"),
        (saved(ARRAY.astype(np.int64)), "'<i8'"),
        (saved(ARRAY.astype(">f4")), "'>f4'"),
        (saved(np.asfortranarray(ARRAY)), "C order"),
        (saved(np.zeros(3, np.float32)), "got \\[3\\]"),
        (saved(np.float32(1)), "plain array"),
        (saved(np.zeros(3, [("a", "f4"), ("b", "f4")])), "plain array"),
        (spelt(b"{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }"), "plain array"),
        (spelt(b"{'descr': __import__('os'), 'fortran_order': False, 'shape': (1, 1), }"), "plain array"),
        (spelt(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 1), }"), "plain array"),
        (spelt(b"{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999, 999999999999), }"), "in full"),
    ],
)
def test_what_is_no_plain_array_is_refused(tmp_path: Path, data: bytes, text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        header(tmp_path, data)


def test_an_array_of_objects_is_refused_unread(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([[object]], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidRequest, match="plain array"):
        header(tmp_path, buffer.getvalue())


def test_any_damage_to_a_header_is_an_answer(tmp_path: Path) -> None:
    """No byte of the header, changed, makes anything but a reading or a refusal."""
    whole = saved(ARRAY)
    for place in range(64):
        for value in (0, 0x27, 0x29, 0x39, 0xFF):
            damaged = whole[:place] + bytes([value]) + whole[place + 1 :]
            try:
                header(tmp_path, damaged)
            except InvalidRequest:
                continue
