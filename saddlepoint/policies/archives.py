"""Reads a zip archive in memory after checking all of its directory. Nothing is ever extracted to disk."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from saddlepoint.errors import MalformedPolicy, UnpackedTooLarge

MAX_ENTRIES = 64
MAX_TORCH_ENTRIES = 4096
MAX_UNPACKED = 512 * 2**20
MAX_RATIO = 100
_SMALL = 2**20
"""Below this size a high compression ratio is honest (zeroed biases, black frames) and harmless."""
_DATA, _SMALL_DATA = "data", 8 * 2**20
"""The text of an SB3 zip holds the last observations, mostly zeros, of as many environments as there were."""
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_ENCRYPTED = 0x1
_AGAIN = "Make the archive again with the tool that wrote it."


@dataclass(frozen=True)
class Archive:
    """A zip whose directory passed every check; entries are decompressed on request, never beyond their stated size."""

    _zip: zipfile.ZipFile
    _entries: dict[str, zipfile.ZipInfo]

    @property
    def names(self) -> list[str]:
        """Every file in it, in the order of the directory."""
        return list(self._entries)

    @property
    def is_stored(self) -> bool:
        """Whether nothing in it is compressed, as torch.save writes."""
        return all(entry.compress_type == zipfile.ZIP_STORED for entry in self._entries.values())

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def size(self, name: str) -> int:
        """How many bytes `read` would give."""
        return self._entries[name].file_size

    def within(self, folder: str) -> "Archive":
        """The files in a folder, by their names in it."""
        start = f"{folder}/"
        held = {name: entry for name, entry in self._entries.items() if name.startswith(start)}
        return Archive(self._zip, {name.removeprefix(start): entry for name, entry in held.items()})

    def opened(self, name: str) -> "Archive":
        """The archive that is an entry of this one; the two together keep within the limits of one."""
        unpacked = sum(entry.file_size for entry in self._entries.values())
        ratio = max(_SMALL, MAX_RATIO * self._entries[name].compress_size)
        return open_archive(self.read(name), limit=min(MAX_UNPACKED - unpacked, ratio))

    def read(self, name: str) -> bytes:
        """The bytes of an entry; MalformedPolicy if they are not what the directory says."""
        entry = self._entries[name]
        try:
            with self._zip.open(entry) as stream:
                data = stream.read(entry.file_size + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            ValueError,
            NotImplementedError,
            struct.error,
        ) as error:
            raise MalformedPolicy(f"An entry of the zip archive is damaged. {_AGAIN}") from error
        if len(data) != entry.file_size:
            raise MalformedPolicy(f"An entry of the zip archive is shorter or longer than it says. {_AGAIN}")
        return data


def open_archive(data: bytes, *, limit: int = MAX_UNPACKED) -> Archive:
    """Check the directory of a zip: counts, sizes, ratios, names and overlaps, before anything is unpacked.

    All of it may unpack to `limit` bytes.
    """
    try:
        opened = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise MalformedPolicy(f"The zip archive has no readable directory; it may be truncated. {_AGAIN}") from error
    _check_beginning(opened.infolist())
    entries = [entry for entry in opened.infolist() if not entry.is_dir()]
    if len(entries) > MAX_TORCH_ENTRIES:
        raise UnpackedTooLarge(f"An archive may hold {MAX_TORCH_ENTRIES} files; this one holds {len(entries)}.")
    for entry in entries:
        _check_entry(entry)
    if len({entry.filename for entry in entries}) != len(entries):
        raise MalformedPolicy(f"No two entries of an archive may have the same name; here two do. {_AGAIN}")
    _check_sizes(entries, limit)
    _check_overlaps(data, entries)
    return Archive(opened, {entry.filename: entry for entry in entries})


def _check_beginning(entries: list[zipfile.ZipInfo]) -> None:
    """A truncated zip of zips would be read as the last zip that is whole in it, which is another file."""
    if entries and min(entry.header_offset for entry in entries) != 0:
        raise MalformedPolicy(
            f"An archive must begin with its first entry; this one holds something else, as if truncated. {_AGAIN}"
        )


def _check_entry(entry: zipfile.ZipInfo) -> None:
    # zipfile cuts a name at a NUL: the original name shows it.
    name = entry.orig_filename
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or name[1:2] == ":" or len(name) > 512:
        raise MalformedPolicy(f"The names in an archive must be plain relative paths; one is not. {_AGAIN}")
    if entry.flag_bits & _ENCRYPTED:
        raise MalformedPolicy("An archive must not be encrypted; this one is. Make it again without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MalformedPolicy(f"The entries of an archive must be stored or deflated; one is neither. {_AGAIN}")


def _check_sizes(entries: list[zipfile.ZipInfo], limit: int) -> None:
    total = sum(entry.file_size for entry in entries)
    if total > limit:
        raise UnpackedTooLarge(
            f"An archive may unpack to {limit} bytes; this one says {total}. Leave out what is not the policy."
        )
    for entry in entries:
        small = _SMALL_DATA if PurePosixPath(entry.filename).name == _DATA else _SMALL
        if entry.file_size > max(small, MAX_RATIO * entry.compress_size):
            raise UnpackedTooLarge(
                f"An entry may unpack to {MAX_RATIO} times its size; one of {entry.compress_size} bytes says "
                f"{entry.file_size}. Store it without compression."
            )


def _check_overlaps(data: bytes, entries: list[zipfile.ZipInfo]) -> None:
    """Two entries that share bytes are how a small archive unpacks to a huge one."""
    spans = sorted(_span(data, entry) for entry in entries)
    if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
        raise MalformedPolicy(f"The entries of an archive must not overlap; here two do. {_AGAIN}")


def _span(data: bytes, entry: zipfile.ZipInfo) -> tuple[int, int]:
    start = entry.header_offset
    header = data[start : start + _LOCAL_HEADER.size] if start >= 0 else b""
    if len(header) != _LOCAL_HEADER.size or header[:4] != b"PK\x03\x04":
        raise MalformedPolicy(f"The zip archive is truncated. {_AGAIN}")
    *_, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    end = start + _LOCAL_HEADER.size + name_length + extra_length + entry.compress_size
    if end > len(data):
        raise MalformedPolicy(f"The zip archive is truncated. {_AGAIN}")
    return start, end


def check_count(archive: Archive) -> None:
    """Only torch's own archives have a use for more than a handful of entries."""
    if len(archive.names) > MAX_ENTRIES:
        raise UnpackedTooLarge(f"An archive may hold {MAX_ENTRIES} files; this one holds {len(archive.names)}.")


def files_of(archive: Archive) -> Iterator[str]:
    """The names in it that are not a Finder's own."""
    return (name for name in archive.names if not name.startswith("__MACOSX/") and not name.endswith(".DS_Store"))
