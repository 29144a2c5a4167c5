"""Zip archives are judged by their directory before anything is unpacked."""

import io
import struct
import warnings
import zipfile
from collections.abc import Callable

import pytest

from saddlepoint.errors import MalformedPolicy, SaddlepointError, UnpackedTooLarge
from saddlepoint.policies.archives import check_count, open_archive
from tests.policies.networks import zipped

DEFLATED = zipfile.ZIP_DEFLATED


def patched(data: bytes, at: bytes, offset: int, value: bytes) -> bytes:
    """`data` with `value` written `offset` bytes after the last `at`."""
    start = data.rindex(at) + offset
    return data[:start] + value + data[start + len(value) :]


def overlapping() -> bytes:
    """Two names for the same bytes: the directory's second entry points to the first's."""
    return patched(zipped({"a": b"x" * 100, "b": b"x" * 100}), b"PK\x01\x02", 42, struct.pack("<I", 0))


def lying() -> bytes:
    """An entry that unpacks to more than it says."""
    return patched(zipped({"a": b"x" * 5000}, DEFLATED), b"PK\x01\x02", 24, struct.pack("<I", 100))


def truncated_after_an_archive() -> bytes:
    """An archive that holds one, cut where the inner one is whole: Python's reader would take it for the inner one."""
    inner = zipped({"inside": b"x" * 100})
    data = zipped({"inner": inner, "rest": b"y" * 100})
    cut = data[: data.index(inner) + len(inner) + 10]
    assert zipfile.ZipFile(io.BytesIO(cut)).namelist() == ["inside"]
    return cut


def twice() -> bytes:
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("a", b"1")
            archive.writestr("a", b"2")
    return target.getvalue()


def test_entries_are_read_whole() -> None:
    archive = open_archive(zipped({"folder/a": b"one", "b": b"two" * 1000}, DEFLATED))
    assert archive.names == ["folder/a", "b"]
    assert (archive.read("folder/a"), archive.read("b")) == (b"one", b"two" * 1000)
    assert ("b" in archive, "c" in archive, archive.is_stored) == (True, False, False)


def test_black_frames_may_compress_well() -> None:
    assert open_archive(zipped({"a": bytes(2**20)}, DEFLATED)).size("a") == 2**20


@pytest.mark.parametrize("name", ["data", "ppo/data"])
def test_the_text_of_an_sb3_zip_may_be_mostly_zeros(name: str) -> None:
    assert open_archive(zipped({name: bytes(2**23)}, DEFLATED)).size(name) == 2**23
    with pytest.raises(UnpackedTooLarge):
        open_archive(zipped({name: bytes(2**23 + 1)}, DEFLATED))
    with pytest.raises(UnpackedTooLarge):
        open_archive(zipped({f"{name}x": bytes(2**23)}, DEFLATED))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(lambda: zipped({"a": bytes(2**21)}, DEFLATED), UnpackedTooLarge, id="bomb"),
        pytest.param(lambda: zipped({str(at): b"" for at in range(4097)}), UnpackedTooLarge, id="entries"),
        pytest.param(
            lambda: patched(zipped({"a": b"x"}), b"PK\x01\x02", 20, struct.pack("<II", 2**30, 2**30)),
            UnpackedTooLarge,
            id="says a gigabyte",
        ),
        pytest.param(lambda: zipped({"../a": b"x"}), MalformedPolicy, id="parent"),
        pytest.param(lambda: zipped({"a/../../b": b"x"}), MalformedPolicy, id="parent inside"),
        pytest.param(lambda: zipped({"/etc/a": b"x"}), MalformedPolicy, id="absolute"),
        pytest.param(lambda: zipped({"..\\a": b"x"}), MalformedPolicy, id="backslash"),
        pytest.param(lambda: zipped({"C:a": b"x"}), MalformedPolicy, id="drive"),
        pytest.param(lambda: patched(zipped({"abc": b"x"}), b"abc", 1, b"\0"), MalformedPolicy, id="NUL"),
        pytest.param(overlapping, MalformedPolicy, id="overlap"),
        pytest.param(twice, MalformedPolicy, id="same name twice"),
        pytest.param(
            lambda: patched(zipped({"a": b"x"}), b"PK\x01\x02", 8, b"\x01\x00"), MalformedPolicy, id="encrypted"
        ),
        pytest.param(lambda: zipped({"a": b"x"}, zipfile.ZIP_LZMA), MalformedPolicy, id="lzma"),
        pytest.param(lambda: zipped({"a": b"x" * 100})[:-30], MalformedPolicy, id="truncated"),
        pytest.param(lambda: zipped({"a": b"x" * 100})[50:], MalformedPolicy, id="beginning missing"),
        pytest.param(lambda: b"PK\x03\x04" + bytes(100), MalformedPolicy, id="no directory"),
        pytest.param(truncated_after_an_archive, MalformedPolicy, id="truncated after a whole archive"),
    ],
)
def test_a_directory_that_could_do_harm_is_refused(make: Callable[[], bytes], expected: type[SaddlepointError]) -> None:
    with pytest.raises(expected):
        open_archive(make())


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lying, id="longer than it says"),
        pytest.param(lambda: patched(zipped({"a": b"x" * 100}), b"PK\x01\x02", 16, b"\0\0\0\0"), id="checksum"),
        pytest.param(
            lambda: (
                zipped({"a": bytes(range(256)) * 9}, DEFLATED)[:40]
                + b"\xff" * 20
                + zipped({"a": bytes(range(256)) * 9}, DEFLATED)[60:]
            ),
            id="damaged stream",
        ),
    ],
)
def test_an_entry_that_is_not_what_it_says_is_malformed(make: Callable[[], bytes]) -> None:
    with pytest.raises(MalformedPolicy):
        open_archive(make()).read("a")


def test_only_torch_archives_may_have_many_entries() -> None:
    with pytest.raises(UnpackedTooLarge):
        check_count(open_archive(zipped({str(at): b"" for at in range(65)})))
