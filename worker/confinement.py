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
from pathlib import Path

from worker.call_filter import MACHINES, call_filter

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


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
    _leave_network()
    _deny_calls()


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


def _leave_network() -> bool:
    """Into an empty network namespace, where one may be made; the filter denies sockets everywhere."""
    libc = _libc()
    return bool(libc.unshare(_CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


def _deny_calls() -> None:
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise OSError(f"no filter of system calls is known for {platform.machine()}")
    program = call_filter(machine, os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, then where they are.
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    where = ctypes.create_string_buffer(header, len(header))
    if _libc().prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, where, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this system allows no filter of system calls")


def _prctl(option: int, value: int) -> None:
    libc = _libc()
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
