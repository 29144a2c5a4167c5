"""Gives up, for good, what the calling process does not need: files, memory, time, network, programs.

Linux only, through libc: every step that fails raises OSError, so that nothing runs half confined.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000

_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_ABOVE, _RETURN = 0x20, 0x15, 0x25, 0x06
_ALLOW, _DENY = 0x7FFF0000, 0x00050000 | 1
"""Return values of a seccomp filter (linux/seccomp.h): allow, or fail with EPERM."""
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET = 0, 4
_X32_CALLS = 0x3FFFFFFF


@dataclass(frozen=True)
class _Machine:
    """How a kind of processor numbers its system calls, and the ones that reading a policy never needs.

    socket, socketpair, io_uring_setup (another way to a socket), execve, execveat, ptrace, process_vm_readv,
    process_vm_writev, mount, bpf (asm/unistd.h).
    """

    architecture: int
    denied: tuple[int, ...]


_MACHINES: Mapping[str, _Machine] = {
    "x86_64": _Machine(0xC000003E, (41, 53, 425, 59, 322, 101, 310, 311, 165, 321)),
    "aarch64": _Machine(0xC00000B7, (198, 199, 425, 221, 281, 117, 270, 271, 40, 280)),
}


def mapped_bytes() -> int:
    """The address space this process has mapped already."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def confine(folder: str, keep: int, *, memory_bytes: int, cpu_s: int, open_files: int) -> None:
    """Confine this process, a fresh fork of one thread: an own session in `folder`, and no descriptor but `keep`."""
    parent = os.getppid()
    os.setsid()
    _reset_signals()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise OSError("the parent died first")
    os.chdir(folder)
    _close_descriptors(keep)
    _forget_environment()
    _use_one_thread()
    _limit(memory_bytes, cpu_s, open_files)
    _prctl(_PR_SET_DUMPABLE, 0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _cut_network()


def _reset_signals() -> None:
    """The parent's handlers must not run here; its alarm is not inherited."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _close_descriptors(keep: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    highest = max(keep, nothing) + 1
    os.closerange(3, keep)
    os.closerange(keep + 1, max(highest, os.sysconf("SC_OPEN_MAX")))


def _forget_environment() -> None:
    for name in list(os.environ):
        del os.environ[name]


def _use_one_thread() -> None:
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def _limit(memory_bytes: int, cpu_s: int, open_files: int) -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: open_files,
        resource.RLIMIT_AS: memory_bytes,
    }
    for kind, value in limits.items():
        resource.setrlimit(kind, (value, value))
    # The soft limit's SIGXCPU tells time from memory; the hard one's SIGKILL cannot be caught.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))


def _cut_network() -> None:
    """An empty network namespace where allowed, and a filter of system calls where known; one of them is a must."""
    if not (_leave_network() | _deny_calls()):
        raise OSError("this system allows neither network namespaces nor seccomp")


def _leave_network() -> bool:
    libc = _libc()
    return bool(libc.unshare(_CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


def _deny_calls() -> bool:
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    program = _filter(machine)
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, then where they are.
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    where = ctypes.create_string_buffer(header, len(header))
    return bool(_libc().prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, where, 0, 0) == 0)


def _filter(machine: _Machine) -> bytes:
    """A classic BPF program: fail the denied calls, and every call of another architecture's numbering."""
    tail = len(machine.denied) + 1
    program = [
        _instruction(_LOAD, _ARCHITECTURE_OFFSET),
        _instruction(_JUMP_IF_EQUAL, machine.architecture, if_not=tail + 1),
        _instruction(_LOAD, _NUMBER_OFFSET),
        _instruction(_JUMP_IF_ABOVE, _X32_CALLS, if_so=tail - 1),
    ]
    for index, number in enumerate(machine.denied):
        program.append(_instruction(_JUMP_IF_EQUAL, number, if_so=len(machine.denied) - index))
    return b"".join([*program, _instruction(_RETURN, _ALLOW), _instruction(_RETURN, _DENY)])


def _instruction(code: int, value: int, *, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_so, if_not, value)


def _prctl(option: int, value: int) -> None:
    libc = _libc()
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
