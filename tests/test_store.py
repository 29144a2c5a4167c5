"""The store: put once, whole or not at all, verified on every read."""

import errno
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from saddlepoint.errors import ArtifactCorrupt, ArtifactNotFound, InvalidSpec, StoreError
from saddlepoint.store import Store, open_store
from saddlepoint.store.format import PIECE, TRAILER_SIZE, trailer
from saddlepoint.store.local import LocalStore
from saddlepoint.store.objects import ObjectStore

HOSTILE_KEYS = ["", "/", "/a", "a/", "a//b", "../a", "a/../b", "a/.b", ".staging/a", "a\0b", "a b", "ä", "a" * 1000]


@pytest.fixture(params=["local", "objects"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return LocalStore(tmp_path / "store") if request.param == "local" else ObjectStore(MemoryStore())


@pytest.fixture
def local(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def staged(root: Path) -> list[Path]:
    return list((root / ".staging").iterdir())


def test_the_first_put_wins(store: Store) -> None:
    assert store.put("a/b.json", b"first")
    assert not store.put("a/b.json", b"second")
    assert store.get("a/b.json") == b"first"


@pytest.mark.parametrize("data", [b"", b"x", b"\nsha256:" + b"0" * 64, os.urandom(3 * 2**20)])
def test_bytes_come_back_as_they_went_in(store: Store, data: bytes) -> None:
    store.put("key", data)
    assert store.get("key") == data


def test_a_file_is_put_and_consumed(store: Store, tmp_path: Path) -> None:
    for content, expected in [(b"first" * 10**6, True), (b"second", False)]:
        file = tmp_path / "spooled"
        file.write_bytes(content)
        assert store.put_file("a/file", file) == expected
        assert not file.exists()
    assert store.get("a/file") == b"first" * 10**6


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 7 * PIECE + 5])
def test_a_file_of_any_size_comes_back_as_it_went_in(store: Store, tmp_path: Path, size: int) -> None:
    content = random.Random(size).randbytes(size)
    file = tmp_path / "spooled"
    file.write_bytes(content)
    assert store.put_file("a/file", file)
    assert store.get("a/file") == content
    stream = store.stream("a/file")
    pieces = list(stream.pieces)
    assert (stream.size, b"".join(pieces)) == (size, content)
    assert all(len(piece) <= PIECE for piece in pieces)
    assert list(store.list("")) == ["a/file"]


def test_of_many_files_one_wins(store: Store, tmp_path: Path) -> None:
    def put(index: int) -> bool:
        file = tmp_path / f"spooled-{index}"
        file.write_bytes(b"%d" % index * 6 * 2**20)
        return store.put_file("a/file", file)

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(put, range(8)))
    assert won.count(True) == 1
    assert store.get("a/file") == b"%d" % won.index(True) * 6 * 2**20
    assert list(store.list("")) == ["a/file"]


PUT_FILE = """
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import obstore
from saddlepoint.store.objects import ObjectStore
store = ObjectStore(obstore.store.LocalStore(Path(sys.argv[1]), mkdir=True))
files = [Path(name) for name in sys.argv[2:]]
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
store.put("small", b"x" * 2**20)
before = peak()
with ThreadPoolExecutor(len(files)) as pool:
    list(pool.map(lambda file: store.put_file(file.name, file), files))
sys.stdout.write(str((peak() - before) // 1024))
"""


def test_files_are_put_into_a_bucket_without_being_held(tmp_path: Path) -> None:
    files = [tmp_path / f"spooled-{index}" for index in range(16)]
    for file in files:
        with file.open("wb") as opened:
            opened.truncate(32 * 2**20)
    command = [sys.executable, "-c", PUT_FILE, str(tmp_path / "bucket"), *map(str, files)]
    grown_mib = int(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout)
    assert grown_mib < 100  # of 512


def test_a_stream_of_what_is_absent_is_not_found(store: Store) -> None:
    with pytest.raises(ArtifactNotFound):
        store.stream("a/b")


def test_a_damaged_stream_never_ends(tmp_path: Path) -> None:
    bucket = MemoryStore()
    for store, damage in (
        (LocalStore(tmp_path), (tmp_path / "key").write_bytes),
        (ObjectStore(bucket), lambda data: bucket.put("key", data)),
    ):
        content = os.urandom(3 * PIECE)
        damage(content[:-1] + bytes([content[-1] ^ 1]) + trailer(content))
        came: list[bytes] = []
        with pytest.raises(ArtifactCorrupt):
            came.extend(store.stream("key").pieces)
        assert sum(map(len, came)) < len(content)
        damage(b"short")
        with pytest.raises(ArtifactCorrupt):
            store.stream("key")


def test_what_killed_writers_left_in_a_bucket_is_swept_and_never_listed() -> None:
    bucket = MemoryStore()
    bucket.put(".staging/half", b"half")
    store = ObjectStore(bucket)
    assert list(store.list("")) == []
    assert (store.sweep(3600), store.sweep(-1)) == (0, 1)


def test_what_is_absent_is_not_found(store: Store) -> None:
    store.put("a/b", b"")
    assert not store.exists("a")
    assert not store.exists("a/c")
    for key in ["a", "a/c", "a/b/c"]:
        with pytest.raises(ArtifactNotFound):
            store.get(key)


def test_deleted_is_absent_and_may_be_put_again(store: Store) -> None:
    store.put("a/b/c", b"old")
    store.delete("a/b/c")
    store.delete("a/b/c")
    assert not store.exists("a/b/c")
    assert store.put("a/b/c", b"new")


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_a_key_that_is_no_key_names_nothing(store: Store, key: str) -> None:
    actions: list[Callable[[], object]] = [
        lambda: store.put(key, b""),
        lambda: store.get(key),
        lambda: store.exists(key),
        lambda: store.delete(key),
    ]
    for action in actions:
        with pytest.raises(ArtifactNotFound):
            action()


def test_a_prefix_cannot_leave_the_store(store: Store) -> None:
    with pytest.raises(ArtifactNotFound):
        list(store.list("../"))


def test_keys_are_listed_as_sorted_strings(store: Store) -> None:
    # "-" and "." sort before "/", digits after it: folders must take their place among the files.
    keys = ["a/b", "a-b/c", "a.b", "a/c/d", "a/c-d", "a0", "b", "a/b0", "aa/a"]
    for key in random.Random(0).sample(keys, len(keys)):
        store.put(key, b"")
    assert list(store.list("")) == sorted(keys)
    for prefix in ["a", "a/", "a/c", "a/c/", "a/c/d", "b", "c", "a-"]:
        assert list(store.list(prefix)) == sorted(key for key in keys if key.startswith(prefix))
    for after in [*keys, "0", "a/", "a/bb", "z"]:
        assert list(store.list("a", start_after=after)) == sorted(
            key for key in keys if key.startswith("a") and key > after
        )


def test_a_listing_shows_no_half_written_file(local: LocalStore, tmp_path: Path) -> None:
    local.put("a/b", b"")
    (tmp_path / "store" / ".staging" / "half").write_bytes(b"half")
    assert list(local.list("")) == ["a/b"]


@pytest.mark.parametrize("position", [0, 5, 12, 40, -1])
def test_a_flipped_bit_is_noticed(local: LocalStore, tmp_path: Path, position: int) -> None:
    local.put("key", b"some bytes")
    path = tmp_path / "store" / "key"
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactCorrupt):
        local.get("key")


@pytest.mark.parametrize("size", [0, 1, TRAILER_SIZE - 1, TRAILER_SIZE, TRAILER_SIZE + 9])
def test_a_cut_file_is_noticed(local: LocalStore, tmp_path: Path, size: int) -> None:
    local.put("key", b"some bytes")
    path = tmp_path / "store" / "key"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ArtifactCorrupt):
        local.get("key")


def test_a_corrupt_object_is_noticed() -> None:
    bucket = MemoryStore()
    bucket.put("key", b"short")
    with pytest.raises(ArtifactCorrupt):
        ObjectStore(bucket).get("key")


def test_of_many_threads_one_wins(store: Store) -> None:
    for number in range(20):
        with ThreadPoolExecutor(16) as pool:
            won = list(pool.map(lambda i, key=f"k/{number}": store.put(key, b"%d" % i), range(16)))
        assert won.count(True) == 1
        assert store.get(f"k/{number}") == b"%d" % won.index(True)


RACE = """
import sys
from pathlib import Path
from saddlepoint.store.local import LocalStore
store, name = LocalStore(Path(sys.argv[1])), sys.argv[2]
sys.stdin.readline()
for number in range(200):
    if store.put(f"race/{number % 7}/{number}", name.encode() * 1000):
        sys.stdout.write(f"{number}\\n")
"""


def spawn(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_of_many_processes_one_wins_each_key(local: LocalStore, tmp_path: Path) -> None:
    processes = [spawn(RACE, str(tmp_path / "store"), str(index)) for index in range(4)]
    wins = [process.communicate("go\n", timeout=250)[0].split() for process in processes]
    assert sorted(int(number) for won in wins for number in won) == list(range(200))
    for index, won in enumerate(wins):
        for number in won:
            assert local.get(f"race/{int(number) % 7}/{number}") == str(index).encode() * 1000


WRITE = """
import os, sys
from pathlib import Path
from saddlepoint.store.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
number = int(sys.argv[2])
while True:
    store.put(f"out/{number}", b"%d," % number * 100_000)
    print(number, flush=True)
    number += 1
"""


def test_a_kill_leaves_nothing_half_readable(local: LocalStore, tmp_path: Path) -> None:
    for round_number in range(8):
        process = spawn(WRITE, str(tmp_path / "store"), str(round_number * 10**6))
        with process:
            assert process.stdout
            assert process.stdout.readline()
            time.sleep(0.013 * round_number)
            process.kill()
    keys = list(local.list("out/"))
    assert len(keys) >= 8
    for key in keys:
        assert local.get(key) == b"%s," % key.removeprefix("out/").encode() * 100_000


def test_a_disk_that_cannot_be_asked_is_an_error_of_the_store(
    local: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> bool:
        raise OSError(errno.EIO, "")

    monkeypatch.setattr(Path, "is_file", fail)
    with pytest.raises(StoreError, match="could not look for key"):
        local.exists("key")


@contextmanager
def short_of_space() -> Iterator[None]:
    """No file may grow beyond a page, which fails a write midway as a full disk does.

    Not a fixture: the limit would still hold while pytest reports, and its output may be a file.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_that_fails_midway_leaves_nothing(local: LocalStore, tmp_path: Path) -> None:
    with short_of_space(), pytest.raises(StoreError, match="File too large"):
        local.put("big", b"x" * 10_000)
    assert list(local.list("")) == []
    assert staged(tmp_path / "store") == []
    assert local.put("big", b"x" * 4000)


def test_a_file_whose_trailer_does_not_fit_is_not_stored(local: LocalStore, tmp_path: Path) -> None:
    file = tmp_path / "spooled"
    file.write_bytes(b"x" * 4090)
    with short_of_space(), pytest.raises(StoreError):
        local.put_file("big", file)
    assert not local.exists("big")
    assert not file.exists()
    assert staged(tmp_path / "store") == []


def test_the_sweep_takes_only_what_is_old(local: LocalStore, tmp_path: Path) -> None:
    for name, age_s in [("old", 7200), ("young", 60)]:
        path = tmp_path / "store" / ".staging" / name
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age_s,) * 2)
    assert local.sweep(3600) == 1
    assert [path.name for path in staged(tmp_path / "store")] == ["young"]


def test_deleting_the_last_artifact_of_a_folder_does_not_fail_a_put_beside_it(local: LocalStore) -> None:
    def churn(index: int) -> bool:
        won = []
        for _ in range(60):
            won.append(local.put(f"deep/er/{index}", b""))
            local.delete(f"deep/er/{index}")
        return all(won)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(churn, range(4)))


def test_deletion_leaves_no_empty_folders(local: LocalStore, tmp_path: Path) -> None:
    local.put("a/b/c", b"")
    local.put("a/d", b"")
    local.delete("a/b/c")
    assert not (tmp_path / "store" / "a" / "b").exists()
    assert local.exists("a/d")


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_a_path_opens_a_local_store(tmp_path: Path, prefix: str) -> None:
    open_store(f"{prefix}{tmp_path}/new store").put("key", b"data")
    assert LocalStore(tmp_path / "new store").get("key") == b"data"


def test_a_bucket_url_opens_an_object_store() -> None:
    assert isinstance(open_store("s3://bucket/prefix"), ObjectStore)


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="got ftp://"):
        open_store("ftp://host/path")
