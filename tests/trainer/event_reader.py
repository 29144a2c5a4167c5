"""Reads event files by Google's Protocol Buffers and a checksum worked out bit by bit: none of the writer's code."""

import struct
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]

_DOUBLE, _FLOAT, _INT64, _STRING, _MESSAGE = 1, 2, 3, 9, 11
_OPTIONAL, _REPEATED = 1, 3
_MESSAGES: dict[str, list[tuple[str, int, int, int, str | None]]] = {
    "Value": [("tag", 1, _STRING, _OPTIONAL, None), ("simple_value", 2, _FLOAT, _OPTIONAL, None)],
    "Summary": [("value", 1, _MESSAGE, _REPEATED, ".t.Value")],
    "Event": [
        ("wall_time", 1, _DOUBLE, _OPTIONAL, None),
        ("step", 2, _INT64, _OPTIONAL, None),
        ("file_version", 3, _STRING, _OPTIONAL, None),
        ("summary", 5, _MESSAGE, _OPTIONAL, ".t.Summary"),
    ],
}


@dataclass(frozen=True)
class ReadEvent:
    wall_time: float
    step: int
    file_version: str
    values: dict[str, float]


def read_events(data: bytes) -> list[ReadEvent]:
    """All events of a file; AssertionError where a checksum is wrong or something is left over."""
    event_type, events = _event_type(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        (of_length,) = struct.unpack("<I", data[8:12])
        message, (of_data,) = data[12 : 12 + length], struct.unpack("<I", data[12 + length : 16 + length])
        assert (of_length, of_data) == (masked(data[:8]), masked(message))
        event: Any = event_type.FromString(message)
        values = {value.tag: value.simple_value for value in event.summary.value}
        events.append(ReadEvent(event.wall_time, event.step, event.file_version, values))
        data = data[16 + length :]
    return events


def masked(data: bytes) -> int:
    """The masked CRC-32C by the definition of the division of polynomials."""
    remainder = 0xFFFFFFFF
    for bit in (byte >> place & 1 for byte in data for place in range(8)):
        remainder = remainder >> 1 ^ (0x82F63B78 if (remainder ^ bit) & 1 else 0)
    found = remainder ^ 0xFFFFFFFF
    return (((found >> 15) | (found << 17)) + 0xA282EAD8) % 2**32


def _event_type() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="event_test.proto", package="t", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, label, of in fields:
            message.field.add(name=field, number=number, type=kind, label=label, type_name=of)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Event"))
