"""Damage done to protobuf messages, field by field, without their schema; what encloses the damage stays whole."""

from random import Random

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_DEPTH = 12
_INTEGERS = (0, 1, 2, 7, 8, 10, 16, 100, 2**31 - 1, 2**31, 2**63 - 1, 2**64 - 1)
_TEXTS = (
    b"", b"observation", b"logits", b"w", b"axis", b"axes", b"perm", b"shape", b"to", b"keepdims", b"ai.onnx.ml",
    b"Add", b"Cast", b"Concat", b"ConstantOfShape", b"Conv", b"Expand", b"Flatten", b"Gather", b"Gemm", b"If", b"LSTM",
    b"Loop", b"MatMul", b"MaxPool", b"Pad", b"Range", b"ReduceSum", b"Reshape", b"Scan", b"Slice", b"Softmax", b"Split",
    b"Squeeze", b"Tile", b"TopK", b"Transpose", b"Unsqueeze", b"Where", b"\xff\xfe", b"a" * 5000,
)  # fmt: skip
"""Names that mean something in ONNX."""

Field = tuple[int, int, bytes]
"""Number, wire type, and the value as it is written, without its length."""


def mutate_message(data: bytes, random: Random, depth: int = 0) -> bytes:
    """`data` with a field changed, removed, given twice or moved, here or in a message inside."""
    fields = _fields(data)
    if not fields:
        return _text(data, random)
    index = random.randrange(len(fields))
    act = random.randrange(12)
    if act == 0:
        del fields[index]
    elif act == 1:
        fields.insert(random.randrange(len(fields) + 1), fields[index])
    elif act == 2:
        other = random.randrange(len(fields))
        fields[index], fields[other] = fields[other], fields[index]
    elif act == 3:
        fields[index] = (random.randint(1, 32), *fields[index][1:])
    else:
        fields[index] = _changed(fields[index], random, depth)
    return _written(fields, random)


def _changed(field: Field, random: Random, depth: int) -> Field:
    number, kind, value = field
    if kind == _BYTES:
        inner = mutate_message(value, random, depth + 1) if depth < _DEPTH else _text(value, random)
        return number, kind, inner
    if kind == _VARINT:
        near = int.from_bytes(value, "little") if len(value) == 1 else 0
        return number, kind, _varint(random.choice((random.choice(_INTEGERS), near + 1, max(near - 1, 0))))
    return number, kind, random.choice((random.randbytes(len(value)), b"\xff" * len(value), bytes(len(value))))


def _text(data: bytes, random: Random) -> bytes:
    """A value of no fields: another name, other bytes, or more or fewer of them."""
    act = random.randrange(5)
    if act == 0 or not data:
        return random.choice(_TEXTS)
    at = random.randrange(len(data))
    if act == 1:
        return data[:at]
    if act == 2:
        return data + data[:at]
    return data[:at] + random.choice((b"\0", b"\x7f", b"\xff", random.randbytes(1))) + data[at + 1 :]


def _written(fields: list[Field], random: Random) -> bytes:
    """Once in a while with a length that is wrong."""
    parts = []
    for number, kind, value in fields:
        parts.append(_varint(number << 3 | kind))
        if kind == _BYTES:
            lie = random.choice((-1, 1, 2**31)) if random.random() < 0.002 else 0
            parts.append(_varint(max(len(value) + lie, 0)))
        parts.append(value)
    return b"".join(parts)


def _fields(data: bytes) -> list[Field]:
    """None where the bytes are no message."""
    fields: list[Field] = []
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        if number == 0 or at < 0:
            return []
        start = at
        if kind == _VARINT:
            _, at = _read_varint(data, at)
        elif kind == _BYTES:
            length, start = _read_varint(data, at)
            at = start + length if start >= 0 else -1
        else:
            at += {_EIGHT: 8, _FOUR: 4}.get(kind, len(data) + 1)
        if at < 0 or at > len(data):
            return []
        fields.append((number, kind, data[start:at]))
    return fields


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The value and where it ends; -1 where it does not."""
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    return 0, -1


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
