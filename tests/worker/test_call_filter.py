"""The filter of system calls, interpreted as the kernel does, for every machine on any machine."""

import os
import platform
import struct

import pytest

from worker.call_filter import (
    ALLOW,
    DENY,
    JUMP_IF_ABOVE,
    JUMP_IF_ANY_BIT,
    JUMP_IF_EQUAL,
    LOAD,
    MACHINES,
    Machine,
    call_filter,
)

PID = 4711
X86, ARM = MACHINES["x86_64"], MACHINES["aarch64"]


def judge(machine: Machine, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What the program returns for a call."""
    words = [number, machine.architecture if architecture is None else architecture, 0, 0]
    for argument in (*arguments, *[0] * (6 - len(arguments))):
        words += [argument & 0xFFFFFFFF, argument >> 32]
    program, at, held = call_filter(machine, PID), 0, 0
    while True:
        code, if_so, if_not, value = struct.unpack_from("HBBI", program, 8 * at)
        at += 1
        if code == LOAD:
            held = words[value // 4]
        elif code in (JUMP_IF_EQUAL, JUMP_IF_ABOVE, JUMP_IF_ANY_BIT):
            holds = {JUMP_IF_EQUAL: held == value, JUMP_IF_ABOVE: held > value, JUMP_IF_ANY_BIT: bool(held & value)}
            at += if_so if holds[code] else if_not
        else:
            return int(value)


@pytest.mark.parametrize("machine", [X86, ARM])
def test_what_is_named_is_denied_and_reading_is_not(machine: Machine) -> None:
    assert {judge(machine, number) for number in machine.denied.values()} == {DENY}
    named = {*machine.denied.values(), *machine.opening, *machine.signalling}
    assert {judge(machine, number) for number in range(500) if number not in named} == {ALLOW}


@pytest.mark.parametrize("machine", [X86, ARM])
def test_calls_of_another_architecture_are_denied_whatever_they_are(machine: Machine) -> None:
    other = 0x40000003  # i386, reached from a 64-bit program by int 0x80
    assert {judge(machine, number, architecture=other) for number in range(500)} == {DENY}


def test_calls_of_x32_are_denied_whatever_they_are() -> None:
    assert {judge(X86, 0x40000000 + number) for number in range(600)} == {DENY}


@pytest.mark.parametrize(
    ("flags", "verdict"),
    [
        (os.O_RDONLY, ALLOW),
        (os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY, ALLOW),
        (os.O_WRONLY, DENY),
        (os.O_RDWR, DENY),
        (os.O_RDONLY | os.O_CREAT, DENY),
        (os.O_RDONLY | os.O_TRUNC, DENY),
        (os.O_RDONLY | os.O_APPEND, DENY),
        (os.O_TMPFILE | os.O_RDONLY, DENY),
    ],
)
def test_files_are_opened_to_be_read(flags: int, verdict: int) -> None:
    assert judge(X86, 2, 0, flags) == verdict
    assert judge(X86, 257, 0, 0, flags) == verdict
    assert judge(ARM, 56, 0, 0, flags) == verdict


def test_a_signal_reaches_oneself_alone() -> None:
    for machine in (X86, ARM):
        assert {judge(machine, number, PID) for number in machine.signalling} == {ALLOW}
        assert {judge(machine, number, other) for number in machine.signalling for other in (1, 0, -1 & 2**64 - 1)} == {
            DENY
        }


def test_this_machine_is_known() -> None:
    assert platform.machine() in MACHINES
