"""Runs one function in a forked child that can do no harm by time, memory, files or network.

The parent must have imported what the function needs and computed nothing with it (a forked thread pool is a dead one).
What the child may still do is burn its allowance; then it is killed, and that is a rejection. Only bytes come back.
"""

import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, ParamSpec

from saddlepoint.errors import InternalError, MalformedPolicy, ResourceLimit, SaddlepointError, by_code
from worker.confinement import confine, mapped_bytes

P = ParamSpec("P")
_STARTED, _RESULT, _ERROR, _MEMORY, _FOREIGN = b"S", b"R", b"E", b"M", b"X"
_READ = 2**20


@dataclass(frozen=True)
class Limits:
    """What a child may use up."""

    wall_s: float = 30.0
    cpu_s: int = 20
    memory_bytes: int = 5 * 2**28
    """Address space beyond what the parent has mapped: with PyTorch's CPU build (0.65 GB) about 2 GB in all."""
    result_bytes: int = 2**30
    open_files: int = 64


_LIMITS = Limits()
_OUT_OF_MEMORY = ResourceLimit("Reading the policy needs more memory than it may use. Upload a smaller model.")


def run_limited(function: Callable[P, bytes], /, *args: P.args, **kwargs: P.kwargs) -> bytes:
    """`function(*args, **kwargs)` in a limited child; see `run_within`."""
    return run_within(_LIMITS, function, *args, **kwargs)


def run_within(limits: Limits, function: Callable[P, bytes], /, *args: P.args, **kwargs: P.kwargs) -> bytes:
    """The bytes that `function` returns in a child with these limits.

    A SaddlepointError of the child is raised here. Whatever else ends it is a rejection: ResourceLimit for time and
    memory, MalformedPolicy for any other exception or signal. A child that could not be started or confined is an
    InternalError, to be retried.
    """
    folder = tempfile.mkdtemp(prefix="saddlepoint-")
    reader, writer = os.pipe()
    try:
        child = _fork()
        if child == 0:
            _be_child(limits, folder, writer, lambda: function(*args, **kwargs))
        os.close(writer)
        writer = -1
        return _verdict(_watch(child, reader, limits))
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)
        shutil.rmtree(folder, ignore_errors=True)


def _fork() -> int:
    try:
        return os.fork()
    except OSError as error:
        raise InternalError("A process to read the policy in could not be started.") from error


def _be_child(limits: Limits, folder: str, writer: int, work: Callable[[], bytes]) -> NoReturn:
    """Never returns: the child ends here whatever happens."""
    try:
        memory = mapped_bytes() + limits.memory_bytes
        confine(folder, writer, memory_bytes=memory, cpu_s=limits.cpu_s, open_files=limits.open_files)
        _send(writer, _STARTED)
        kind, body = _outcome(work)
        _send(writer, kind, len(body).to_bytes(8, "little"), body)
    finally:
        os._exit(0)


def _outcome(work: Callable[[], bytes]) -> tuple[bytes, bytes]:
    try:
        return _RESULT, work()
    except SaddlepointError as error:
        return _ERROR, json.dumps([error.code, error.message]).encode()
    except MemoryError:
        return _MEMORY, b""
    except BaseException as error:
        # The text of a foreign exception stays here: it may hold anything that the file does.
        is_memory = "memory" in str(error) or "bad_alloc" in str(error)
        return (_MEMORY if is_memory else _FOREIGN), b""


def _send(writer: int, *parts: bytes) -> None:
    for part in parts:
        view = memoryview(part)
        while view:
            view = view[os.write(writer, view) :]


@dataclass(frozen=True)
class _Ended:
    """What the child said, and how it ended: a signal, or None; `in_time` is False if it was stopped here."""

    said: bytes
    signal: int | None
    in_time: bool


def _watch(child: int, reader: int, limits: Limits) -> _Ended:
    """Read what the child says until it ends or its time does, then make sure that nothing of it is left."""
    said = bytearray()
    in_time = True
    try:
        deadline = time.monotonic() + limits.wall_s
        while in_time:
            ready, _, _ = select.select([reader], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(reader, _READ) if ready else b""
            said += chunk
            in_time = bool(ready) and len(said) <= limits.result_bytes
            if ready and not chunk:
                break
    finally:
        # Its whole group, and itself in case it had no group yet. Its number is its own until it is waited for.
        for kill in (os.killpg, os.kill):
            with suppress(ProcessLookupError, PermissionError):
                kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return _Ended(bytes(said), os.WTERMSIG(status) if os.WIFSIGNALED(status) else None, in_time)


def _verdict(ended: _Ended) -> bytes:
    if ended.said[:1] != _STARTED:
        raise InternalError("A process to read the policy in could not be confined.")
    if not ended.in_time:
        raise ResourceLimit("Reading the policy took longer than it may. Upload a smaller model.")
    kind, length, body = ended.said[1:2], int.from_bytes(ended.said[2:10], "little"), ended.said[10:]
    if len(body) != length:
        kind = b""
    if kind == _RESULT:
        return body
    if kind == _ERROR:
        code, message = json.loads(body)
        raise by_code().get(code, MalformedPolicy)(message)
    if kind == _MEMORY:
        raise _OUT_OF_MEMORY
    if ended.signal in (signal.SIGKILL, signal.SIGXCPU):
        raise ResourceLimit("Reading the policy took more time or memory than it may. Upload a smaller model.")
    raise MalformedPolicy("Reading the policy failed, so its file must be damaged. Export it again.")
