"""TensorBoard's event files, as far as scalars need them, without TensorBoard.

A file is TFRecords: the length of the data (8 bytes, little-endian), its masked CRC-32C, the data, and theirs.
The data are `tensorflow.Event` messages in Protocol Buffers' wire format (tensorflow/core/util/event.proto, and
framework/summary.proto). The package `tensorboard` would bring gRPC and a web server along.
"""

import struct
from collections.abc import Mapping

VERSION = b"brain.Event:2"
_WALL_TIME, _STEP, _FILE_VERSION, _SUMMARY = 1, 2, 3, 5
"""Fields of an Event."""
_VALUE = 1
"""Of a Summary."""
_TAG, _SIMPLE_VALUE = 1, 2
"""Of a Summary.Value."""
_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5
"""Wire types."""
_POLYNOMIAL = 0x82F63B78
"""Castagnoli's, reflected (RFC 3720, appendix B.4)."""
_MASK_DELTA = 0xA282EAD8


def beginning(wall_time: float) -> bytes:
    """What every file begins with; `wall_time` in seconds since 1970."""
    return _record(_double(_WALL_TIME, wall_time) + _bytes(_FILE_VERSION, VERSION))


def scalars(wall_time: float, step: int, values: Mapping[str, float]) -> bytes:
    """The values of one step, by their names."""
    summary = b"".join(
        _bytes(_VALUE, _bytes(_TAG, tag.encode()) + _key(_SIMPLE_VALUE, _FLOAT) + struct.pack("<f", value))
        for tag, value in values.items()
    )
    return _record(_double(_WALL_TIME, wall_time) + _key(_STEP, _VARINT) + _varint(step) + _bytes(_SUMMARY, summary))


def crc32c(data: bytes) -> int:
    """The checksum of RFC 3720."""
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder = _TABLE[(remainder ^ byte) & 0xFF] ^ (remainder >> 8)
    return remainder ^ 0xFFFFFFFF


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked_checksum(length) + data + _masked_checksum(data)


def _masked_checksum(data: bytes) -> bytes:
    """Rotated right by 15 bits plus a constant, so that the checksum of data that hold checksums is none of them."""
    found = crc32c(data)
    return struct.pack("<I", ((found >> 15 | found << 17) + _MASK_DELTA) & 0xFFFFFFFF)


def _key(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _double(field: int, value: float) -> bytes:
    return _key(field, _DOUBLE) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow. Not negative."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _remainder_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = tuple(map(_remainder_of, range(256)))
