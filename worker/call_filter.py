"""The system calls that reading a policy never needs, denied by the kernel: EPERM, whatever the reader was talked into.

A classic BPF program over `struct seccomp_data` (linux/seccomp.h). What it denies: the network and ways around it,
programs, other processes, and every change of a file or a folder, so that files can be opened to be read and no more.
"""

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass

LOAD, JUMP_IF_EQUAL, JUMP_IF_ABOVE, JUMP_IF_ANY_BIT, RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
ALLOW, DENY = 0x7FFF0000, 0x00050000 | 1
"""What the filter returns: allow, or fail with EPERM."""
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets in `struct seccomp_data`; of each argument the low word comes first."""
_X32_CALLS = 0x3FFFFFFF
_TMPFILE = 0o20000000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | _TMPFILE

_EVERYWHERE = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsmount": 432,
    "pidfd_open": 434,
    "openat2": 437,
    "pidfd_getfd": 438,
    "fchmodat2": 452,
}
"""Since Linux 5 calls have the same number on all machines (asm/unistd.h, here and below)."""


@dataclass(frozen=True)
class Machine:
    """How a kind of processor numbers its system calls."""

    architecture: int
    denied: Mapping[str, int]
    opening: Mapping[int, int]
    """Calls that open a file, and which of their arguments says what for: reading alone is let through."""
    signalling: tuple[int, ...]
    """Calls whose first argument is a process: none but the caller is let through."""


MACHINES: Mapping[str, Machine] = {
    "x86_64": Machine(
        0xC000003E,
        denied=_EVERYWHERE
        | {"socket": 41, "socketpair": 53, "execve": 59, "execveat": 322, "ptrace": 101, "bpf": 321}
        | {"process_vm_readv": 310, "process_vm_writev": 311, "perf_event_open": 298, "userfaultfd": 323}
        | {"add_key": 248, "request_key": 249, "keyctl": 250, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297}
        | {"mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308}
        | {"truncate": 76, "ftruncate": 77, "fallocate": 285, "creat": 85, "mknod": 133, "mknodat": 259}
        | {"rename": 82, "renameat": 264, "renameat2": 316, "mkdir": 83, "mkdirat": 258, "rmdir": 84}
        | {"link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266, "unlink": 87, "unlinkat": 263}
        | {"chmod": 90, "fchmod": 91, "fchmodat": 268, "chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260}
        | {"utime": 132, "utimes": 235, "futimesat": 261, "utimensat": 280, "setxattr": 188, "lsetxattr": 189}
        | {"fsetxattr": 190, "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199},
        opening={2: 1, 257: 2},
        signalling=(62, 200, 234),
    ),
    "aarch64": Machine(
        0xC00000B7,
        denied=_EVERYWHERE
        | {"socket": 198, "socketpair": 199, "execve": 221, "execveat": 281, "ptrace": 117, "bpf": 280}
        | {"process_vm_readv": 270, "process_vm_writev": 271, "perf_event_open": 241, "userfaultfd": 282}
        | {"add_key": 217, "request_key": 218, "keyctl": 219, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240}
        | {"mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "unshare": 97, "setns": 268}
        | {"truncate": 45, "ftruncate": 46, "fallocate": 47, "mknodat": 33, "mkdirat": 34, "unlinkat": 35}
        | {"symlinkat": 36, "linkat": 37, "renameat": 38, "renameat2": 276, "fchmod": 52, "fchmodat": 53}
        | {"fchownat": 54, "fchown": 55, "utimensat": 88, "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7}
        | {"removexattr": 14, "lremovexattr": 15, "fremovexattr": 16},
        opening={56: 2},
        signalling=(129, 130, 131),
    ),
}


def call_filter(machine: Machine, pid: int) -> bytes:
    """The program for the process `pid`. Calls by another architecture's numbers are denied before any other."""
    program = [
        _instruction(LOAD, _ARCHITECTURE),
        _instruction(JUMP_IF_EQUAL, machine.architecture, if_so=1),
        _DENIED,
        _instruction(LOAD, _NUMBER),
        _instruction(JUMP_IF_ABOVE, _X32_CALLS, if_not=1),
        _DENIED,
    ]
    for number in machine.denied.values():
        program += [_instruction(JUMP_IF_EQUAL, number, if_not=1), _DENIED]
    for number, argument in machine.opening.items():
        program += _judged(number, argument, [_instruction(JUMP_IF_ANY_BIT, _WRITING, if_not=1), _DENIED])
    for number in machine.signalling:
        program += _judged(number, 0, [_instruction(JUMP_IF_EQUAL, pid, if_so=1), _DENIED])
    return b"".join([*program, _instruction(RETURN, ALLOW)])


def _judged(number: int, argument: int, judgement: list[bytes]) -> list[bytes]:
    """Of one call: look at an argument, and then have its number at hand again for what follows."""
    steps = [_instruction(LOAD, _ARGUMENTS + 8 * argument), *judgement, _instruction(LOAD, _NUMBER)]
    return [_instruction(JUMP_IF_EQUAL, number, if_not=len(steps)), *steps]


def _instruction(code: int, value: int, *, if_so: int = 0, if_not: int = 0) -> bytes:
    """Jumps count the instructions that are passed over."""
    return struct.pack("HBBI", code, if_so, if_not, value)


_DENIED = _instruction(RETURN, DENY)
