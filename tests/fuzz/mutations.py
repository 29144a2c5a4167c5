"""Damage done to files: anywhere, and where it hurts, in the directory of a zip, the fields of a message, a header."""

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any

from tests.fuzz.messages import mutate_message

NUMBERS = (0, 1, 2, 3, -1, 127, 128, 255, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**33, 2**40, 2**62, 2**63 - 1)
_VALUES: tuple[Any, ...] = (None, True, "", "x" * 300, "../x", "F32", "F64", "I8", 1.5, 1e308, [], {}, [[]], *NUMBERS)
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_MOST = 2**20
"""Bytes that one mutation may add."""

Mutation = Callable[[bytes, Random], bytes]


def mutated(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """`data` with one to three kinds of damage; `others` lend parts of theirs."""
    for _ in range(random.randint(1, 3)):
        data = _splice(data, random.choice(others), random) if random.random() < 0.05 else _mutate(data, random)
    return data


def _mutate(data: bytes, random: Random) -> bytes:
    """By what the data is, three times of four, else anywhere."""
    if not data or random.random() < 0.25:
        return _anywhere(data, random)
    if data.startswith(_LOCAL):
        return _zip(data, random)
    if data[8:9] == b"{":
        return _safetensors(data, random)
    if data[:1] in (b"{", b"["):
        return _json(data, random)
    if data[:1] == b"\x08":
        return mutate_message(data, random)
    return _anywhere(data, random)


def _anywhere(data: bytes, random: Random) -> bytes:
    act: Mutation = random.choice((_flip, _flip, _overwrite, _cut, _remove, _repeat, _insert))
    return act(data, random)


def _zip(data: bytes, random: Random) -> bytes:
    act: Mutation = random.choice((_zip_field, _zip_entries, _zip_entries))
    return act(data, random)


def _flip(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _overwrite(data: bytes, random: Random) -> bytes:
    """An integer of some width and byte order."""
    width = random.choice((1, 2, 4, 8))
    at = random.randrange(max(len(data) - width, 0) + 1)
    value = (random.choice(NUMBERS) % (1 << 8 * width)).to_bytes(width, random.choice(("little", "big")))
    return data[:at] + value + data[at + width :]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _remove(data: bytes, random: Random) -> bytes:
    start, end = _span(data, random)
    return data[:start] + data[end:]


def _repeat(data: bytes, random: Random) -> bytes:
    start, end = _span(data, random)
    times = min(random.choice((2, 3, 1000)), _MOST // max(end - start, 1) + 1)
    return data[:start] + data[start:end] * times + data[end:]


def _insert(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.randbytes(random.choice((1, 4, 64))) + data[at:]


def _splice(data: bytes, other: bytes, random: Random) -> bytes:
    """The beginning of one and the end of another."""
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


def _span(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.choice((1, 4, 16, 256, 4096)))


def _zip_field(data: bytes, random: Random) -> bytes:
    """A field of a header of an entry, or of the end of the directory: sizes, offsets, methods, flags, lengths."""
    magic, fields = random.choice(
        (
            (_LOCAL, ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2))),
            (_CENTRAL, ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (38, 4), (42, 4))),
            (_END, ((4, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2))),
        )
    )
    places = _places(data, magic)
    if not places:
        return _flip(data, random)
    offset, width = random.choice(fields)
    at = random.choice(places) + offset
    near = int.from_bytes(data[at : at + width], "little") + random.choice((-1, 1, 4, 100))
    value = random.choice((near, random.choice(NUMBERS))) % (1 << 8 * width)
    return data[:at] + value.to_bytes(width, "little") + data[at + width :]


def _places(data: bytes, magic: bytes) -> list[int]:
    found, at = [], data.find(magic)
    while at >= 0:
        found.append(at)
        at = data.find(magic, at + 1)
    return found


def _zip_entries(data: bytes, random: Random) -> bytes:
    """A whole zip again, with an entry damaged, renamed, left out, given twice, compressed or moved."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [(entry.filename, archive.read(entry)) for entry in archive.infolist() if entry.file_size < _MOST]
    except Exception:
        return _flip(data, random)
    if not entries:
        return _insert(data, random)
    random.choice(_ENTRIES)(entries, random)
    return _zipped(entries, random.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


Entries = list[tuple[str, bytes]]


def _damage_entry(entries: Entries, random: Random) -> None:
    index = random.randrange(len(entries))
    name, content = entries[index]
    entries[index] = (name, _mutate(content, random))


def _rename_entry(entries: Entries, random: Random) -> None:
    index = random.randrange(len(entries))
    name, content = entries[index]
    names = ("", "../x", "/x", "x\0y", "data.pkl", "policy.pth", "data", "p.onnx", f"x/{name}", name.upper(), "é" * 300)
    entries[index] = (random.choice(names), content)


def _repeat_entry(entries: Entries, random: Random) -> None:
    entries.insert(random.randrange(len(entries) + 1), random.choice(entries))


def _remove_entry(entries: Entries, random: Random) -> None:
    del entries[random.randrange(len(entries))]


def _swap_entries(entries: Entries, random: Random) -> None:
    first, second = random.randrange(len(entries)), random.randrange(len(entries))
    entries[first], entries[second] = (entries[first][0], entries[second][1]), (entries[second][0], entries[first][1])


def _zipped(entries: Entries, compression: int) -> bytes:
    target = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in entries:
            entry = zipfile.ZipInfo("x")
            entry.filename, entry.compress_type = name, compression
            archive.writestr(entry, content)
    return target.getvalue()


def _safetensors(data: bytes, random: Random) -> bytes:
    """Another header over the same tensors, its length right or wrong."""
    end = 8 + int.from_bytes(data[:8], "little")
    header, rest = _json(data[8:end], random), data[end:]
    length = random.choice(NUMBERS) % 2**64 if random.random() < 0.1 else len(header)
    return struct.pack("<Q", length) + header + rest


def _json(data: bytes, random: Random) -> bytes:
    """A value anywhere in it replaced, removed, given twice, or moved."""
    try:
        document = json.loads(data)
    except ValueError:
        return _flip(data, random)
    with suppress(RecursionError):
        return json.dumps(_changed(document, random)).encode()
    return data


def _changed(value: Any, random: Random) -> Any:
    if isinstance(value, dict) and value and random.random() < 0.9:
        return _changed_dict(value, random)
    if isinstance(value, list) and value and random.random() < 0.9:
        index = random.randrange(len(value))
        return [*value[:index], _changed(value[index], random), *value[index + random.randint(0, 1) :]]
    if isinstance(value, int) and random.random() < 0.5:
        return value + random.choice((-1, 1, 4))
    return random.choice(_VALUES)


def _changed_dict(value: Mapping[str, Any], random: Random) -> dict[str, Any]:
    name = random.choice(sorted(value))
    rest = {key: item for key, item in value.items() if key != name}
    act = random.randrange(8)
    if act == 0:
        return rest
    if act == 1:
        return {**rest, random.choice(("", "__metadata__", "__class__", f"{name}.weight", "ü")): value[name]}
    if act == 2:
        return {**value, name: value[random.choice(sorted(value))]}
    return {**value, name: _changed(value[name], random)}


_ENTRIES = (_damage_entry, _damage_entry, _damage_entry, _rename_entry, _repeat_entry, _remove_entry, _swap_entries)
