"""The files that torch.save wrote before version 1.6: five pickles in a row, and the storages after them."""

from saddlepoint.errors import MalformedPolicy
from saddlepoint.policies.pickles import TorchFile
from saddlepoint.policies.torch_pickles import DAMAGED, read_pickle

_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_COUNT = 8
"""Bytes of the number of entries before each storage."""


def is_legacy(data: bytes) -> bool:
    """Whether the bytes begin as such a file does."""
    return data.startswith(_MAGIC)


def read_legacy(data: bytes) -> TorchFile:
    """What torch.save was given. Raises PolicyRejected."""
    version = read_pickle(data, len(_MAGIC))
    system = read_pickle(data, version.end)
    content = read_pickle(data, system.end)
    keys = read_pickle(data, content.end)
    if not isinstance(system.root, dict) or system.root.get("little_endian") is not True:
        raise MalformedPolicy(DAMAGED)
    records, at = {}, keys.end
    for key in keys.root if isinstance(keys.root, list) else ():
        storage = content.storages.get(key) if isinstance(key, str) else None
        if storage is None or int.from_bytes(data[at : at + _COUNT], "little") != storage.count:
            raise MalformedPolicy(DAMAGED)
        start = at + _COUNT
        at = start + storage.count * storage.dtype.itemsize
        records[key] = slice(start, at)

    def record(key: str) -> bytes:
        if key not in records:
            raise MalformedPolicy(DAMAGED)
        return data[records[key]]

    return TorchFile(content.root, record)
