"""What a child may do and what becomes of one that does more."""

import ctypes
import gc
import json
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import torch

from saddlepoint.errors import InternalError, MalformedPolicy, ResourceLimit, SaddlepointError, UnsafePickle
from worker import confinement, sandbox
from worker.sandbox import Limits, run_limited, run_within

SHORT = Limits(wall_s=20.0, cpu_s=3, memory_bytes=2**28)


@pytest.fixture(autouse=True)
def no_children_are_left() -> Iterator[None]:
    before = set(psutil.Process().children())
    yield
    assert set(psutil.Process().children()) <= before


def _told(question: Callable[[], object]) -> object:
    """What a function sees inside of the child, by JSON."""
    return json.loads(run_within(SHORT, lambda: json.dumps(question()).encode()))


def test_the_bytes_come_back_whole() -> None:
    def repeated(part: bytes, *, times: int) -> bytes:
        return part * times

    assert run_limited(repeated, b"ab", times=2**21) == b"ab" * 2**21


def test_an_error_of_ours_comes_back_as_itself() -> None:
    def refuse() -> bytes:
        raise UnsafePickle("It carries code. Save it again.")

    with pytest.raises(UnsafePickle, match=r"^It carries code\. Save it again\.$"):
        run_within(SHORT, refuse)


def test_the_text_of_a_foreign_exception_stays_in_the_child() -> None:
    def fail() -> bytes:
        raise ValueError("/etc/secret")

    with pytest.raises(MalformedPolicy) as caught:
        run_within(SHORT, fail)
    assert "secret" not in caught.value.message


def _hang() -> bytes:
    time.sleep(60)
    return b""


def _spin() -> bytes:
    while True:
        pass


def _hoard() -> bytes:
    return bytes(2**31)


def _hoard_in_torch() -> bytes:
    return bytes(torch.zeros(2**30).numpy())


def _crash() -> bytes:
    ctypes.string_at(0)
    return b""


def _abort() -> bytes:
    os.abort()


def _die_halfway() -> bytes:
    os._exit(0)


def _leave_a_child_behind() -> bytes:
    if os.fork() == 0:
        time.sleep(60)
    return _hang()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (_spin, ResourceLimit),
        (_hoard, ResourceLimit),
        (_hoard_in_torch, ResourceLimit),
        (_crash, MalformedPolicy),
        (_abort, MalformedPolicy),
        (_die_halfway, MalformedPolicy),
    ],
)
def test_a_child_that_goes_too_far_is_a_rejection(
    function: Callable[[], bytes], expected: type[SaddlepointError]
) -> None:
    started = time.monotonic()
    with pytest.raises(expected):
        run_within(Limits(wall_s=50, cpu_s=1, memory_bytes=2**28), function)
    assert time.monotonic() - started < 50


@pytest.mark.parametrize("function", [_hang, _leave_a_child_behind])
def test_time_beyond_the_limit_is_not_waited_for(function: Callable[[], bytes]) -> None:
    started = time.monotonic()
    with pytest.raises(ResourceLimit):
        run_within(Limits(wall_s=1.0), function)
    assert time.monotonic() - started < 30


def test_a_result_beyond_the_limit_is_not_taken() -> None:
    with pytest.raises(ResourceLimit):
        run_within(Limits(result_bytes=1000), lambda: bytes(2**22))


def test_there_is_no_network_of_any_kind() -> None:
    def attempts() -> list[str]:
        failures = []
        for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
            try:
                socket.socket(family).close()
            except OSError as error:
                failures.append(type(error).__name__)
        return failures

    assert _told(attempts) == ["PermissionError"] * 3


def _may_leave_the_network() -> bool:
    """Tried in a child, which is then in another network."""
    child = os.fork()
    if child == 0:
        os._exit(0 if confinement._leave_network() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_network_is_empty_even_without_the_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "_deny_calls", lambda: None)
    if not _may_leave_the_network():
        pytest.skip("no network namespace may be made here")

    def reach() -> str:
        with socket.socket() as lonely:
            try:
                lonely.connect(("127.0.0.1", 9))
            except OSError as error:
                return error.strerror or ""
        return "connected"

    assert _told(reach) == "Network is unreachable"


def test_without_the_filter_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "MACHINES", {})
    with pytest.raises(InternalError):
        run_within(SHORT, lambda: b"ran")


def test_no_program_can_be_started() -> None:
    def start() -> str:
        try:
            os.execv("/bin/true", ["true"])
        except OSError as error:
            return type(error).__name__

    assert _told(start) == "PermissionError"


def test_no_file_can_be_filled_and_the_folder_is_empty_and_goes_away() -> None:
    def fill() -> list[str]:
        where = os.getcwd()
        before = os.listdir(where)
        try:
            Path("file").write_bytes(b"x")
        except OSError as error:
            return [where, type(error).__name__, *before]
        return [where, "written"]

    told = _told(fill)
    assert isinstance(told, list)
    where, outcome = told
    assert outcome == "PermissionError"
    assert not Path(where).exists()


def _change(file: Path) -> dict[str, Callable[[], object]]:
    """Ways to do harm to a file of one's own."""
    folder = file.parent
    return {
        "write": lambda: file.open("ab"),
        "truncate by opening": lambda: os.open(file, os.O_RDONLY | os.O_TRUNC),
        "truncate": lambda: os.truncate(file, 0),
        "delete": file.unlink,
        "rename": lambda: file.rename(folder / "other"),
        "replace": lambda: (folder / "innocent").replace(file),
        "link": lambda: os.link(file, folder / "link"),
        "symlink": lambda: os.symlink(file, folder / "symlink"),
        "chmod": lambda: file.chmod(0o777),
        "touch": lambda: os.utime(file, (0, 0)),
        "make a folder": lambda: (folder / "made").mkdir(),
        "remove a folder": lambda: (folder / "empty").rmdir(),
        "attribute": lambda: os.setxattr(file, "user.a", b"x"),
        "signal the parent": lambda: os.kill(os.getppid(), 0),
    }


def test_nothing_that_is_there_can_be_changed(tmp_path: Path) -> None:
    file = tmp_path / "artifact"
    file.write_bytes(b"precious")
    (tmp_path / "innocent").write_bytes(b"")
    (tmp_path / "empty").mkdir()

    def outcomes() -> dict[str, str]:
        found = {}
        for name, harm in _change(file).items():
            try:
                harm()
                found[name] = "done"
            except OSError as error:
                found[name] = type(error).__name__
        return found

    assert _told(outcomes) == dict.fromkeys(_change(file), "PermissionError")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["artifact", "empty", "innocent"]
    assert file.read_bytes() == b"precious"


def test_files_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("to be read")
    assert _told((tmp_path / "file").read_text) == "to be read"


def test_no_descriptor_of_the_parent_is_open(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)

        def targets() -> list[str]:
            links = [Path(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]
            return sorted({os.readlink(link).split(":")[0] for link in links if link.exists()})

        told = _told(targets)
        assert isinstance(told, list)
        assert {"/dev/null", "pipe"} >= set(told)


def test_the_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SADDLEPOINT_API_KEY", "secret")
    assert _told(lambda: dict(os.environ)) == {}


def test_limits_are_set() -> None:
    def limits() -> list[int]:
        kinds = (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_CPU)
        return [resource.getrlimit(kind)[0] for kind in kinds]

    assert [0, 0, SHORT.open_files, SHORT.cpu_s] == _told(limits)


def test_a_handler_of_the_parent_does_not_run_in_the_child() -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        assert True is _told(lambda: signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    """A parent killed without warning must leave nothing running."""
    marker = tmp_path / "number"
    parent = os.fork()
    if parent == 0:
        # This process and not its child writes the number: the child cannot.
        gc.disable()
        real = sandbox._watch

        def told(child: int, reader: int, limits: Limits) -> object:
            marker.write_text(str(child))
            return real(child, reader, limits)

        sandbox._watch = told  # type: ignore[assignment]
        run_within(Limits(wall_s=30), _hang)
    while not (marker.exists() and marker.read_text()):
        time.sleep(0.01)
    child = int(marker.read_text())
    time.sleep(0.3)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert _ends(child, within_s=30)


def _ends(process: int, *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_fork_that_fails_is_no_rejection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refuse)
    with pytest.raises(InternalError):
        run_within(SHORT, lambda: b"ran")
