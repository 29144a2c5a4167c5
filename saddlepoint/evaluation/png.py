"""A picture of a matrix as PNG bytes, without a library (RFC 2083: signature, IHDR, IDAT, IEND)."""

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB_8_BITS = bytes([8, 2, 0, 0, 0])
_COLOURS = np.array(
    [(13, 21, 40), (43, 42, 110), (122, 43, 128), (204, 65, 95), (246, 128, 60), (252, 203, 92), (255, 249, 219)],
    np.float64,
)
"""Evenly from 0 to 1: dark to light without a turn, so that it reads in grey too."""


def heat(shares: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(R, C) numbers, cut to 0..1 -> (R, C, 3) colours."""
    place = np.clip(shares, 0.0, 1.0) * (len(_COLOURS) - 1)
    below = np.minimum(place.astype(int), len(_COLOURS) - 2)
    part = (place - below)[..., None]
    colours: NDArray[np.uint8] = (_COLOURS[below] * (1 - part) + _COLOURS[below + 1] * part).round().astype(np.uint8)
    return colours


def to_png(pixels: NDArray[np.uint8]) -> bytes:
    """(R, C, 3) uint8 -> the file."""
    rows, columns, _ = pixels.shape
    lines = b"".join(b"\x00" + line.tobytes() for line in pixels)
    header = struct.pack(">II", columns, rows) + _RGB_8_BITS
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines, 9)) + _chunk(b"IEND", b"")


def data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
