import asyncio
import hashlib
import os
import time
from pathlib import Path

import pytest

from saddlepoint.errors import BodyTooLarge, Unavailable
from saddlepoint.settings import Settings
from service import spool
from service.spool import SpoolFile, spool_folder, sweep

pytestmark = pytest.mark.anyio


async def test_what_is_written_is_hashed_and_counted(tmp_path: Path) -> None:
    async with SpoolFile(tmp_path, limit=10) as file:
        await file.write(b"abc")
        await file.write(b"def")
        await file.flush()
        assert (6, hashlib.sha256(b"abcdef").hexdigest()) == (file.size, file.sha256)
        assert file.path.read_bytes() == b"abcdef"


async def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    async with SpoolFile(tmp_path, limit=10) as file:
        assert file.path.stat().st_mode & 0o777 == 0o600


async def test_little_is_held_in_memory(tmp_path: Path) -> None:
    async with SpoolFile(tmp_path, limit=2**30) as file:
        for _ in range(40):
            await file.write(bytes(64 * 2**10))
        assert file.size - file.path.stat().st_size < spool.FLUSH_BYTES


async def test_one_byte_too_many_is_refused(tmp_path: Path) -> None:
    async with SpoolFile(tmp_path, limit=3) as file:
        await file.write(b"abc")
        with pytest.raises(BodyTooLarge, match="at most 3 bytes"):
            await file.write(b"d")


async def test_a_file_that_nobody_took_is_removed(tmp_path: Path) -> None:
    async with SpoolFile(tmp_path, limit=10) as file:
        await file.write(b"abc")
        await file.flush()
    assert list(tmp_path.iterdir()) == []


async def test_a_canceled_upload_leaves_nothing_behind(tmp_path: Path) -> None:
    async def upload() -> None:
        async with SpoolFile(tmp_path, limit=10) as file:
            await file.write(b"abc")
            await asyncio.sleep(60)

    task = asyncio.create_task(upload())
    while not list(tmp_path.iterdir()):
        await asyncio.sleep(0)  # as soon as it is there
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_was_taken_is_left_alone(tmp_path: Path) -> None:
    async with SpoolFile(tmp_path, limit=10) as file:
        await file.write(b"abc")
        await file.flush()
        file.path.rename(tmp_path / "kept")
    assert (tmp_path / "kept").read_bytes() == b"abc"


async def test_a_full_disk_is_unavailable() -> None:
    async with SpoolFile(Path("/dev/shm"), limit=10) as file:
        os.close(file._descriptor)
        file._descriptor = os.open("/dev/full", os.O_WRONLY)
        await file.write(b"abc")
        with pytest.raises(Unavailable, match="free some space"):
            await file.flush()


async def test_a_spool_folder_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        async with SpoolFile(tmp_path / "nowhere", limit=10):
            pass


def test_leftovers_of_dead_processes_are_swept(tmp_path: Path) -> None:
    for name, age_s in (("upload-old", 7200), ("upload-new", 60), ("other", 7200)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "upload-new"]


@pytest.mark.parametrize(
    ("settings", "folder"),
    [
        (Settings(store_url="/data/store"), "/data/spool"),
        (Settings(store_url="file:///data/store"), "/data/spool"),
        (Settings(store_url="/data/store", spool_dir=Path("/fast")), "/fast"),
    ],
)
def test_the_spool_lies_beside_a_local_store(settings: Settings, folder: str) -> None:
    assert Path(folder) == spool_folder(settings)


def test_an_object_store_has_a_spool_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert tmp_path / "saddlepoint-spool" == spool_folder(Settings(store_url="s3://bucket/x"))
