"""The system call filter as a program: run by an interpreter of its own, for both machines."""

from __future__ import annotations

import struct

import pytest

from yett.sandbox.bpf import ALLOW, KILL, NOTIFY
from yett.sandbox.machines import MACHINES, Machine
from yett.sandbox.notify import FOLDER_REMOVALS, REMOVALS, RENAMES
from yett.sandbox.seccomp import REFUSED_CALLS, notify_filter, session_filter

EPERM = 0x00050001
ENOSYS = 0x00050000 | 38
EAFNOSUPPORT = 0x00050000 | 97
BOTH = pytest.mark.parametrize("machine", MACHINES.values(), ids=list(MACHINES))


def verdict(program: bytes, machine: Machine, call: int, *arguments: int, audit: int | None = None) -> int:
    """What the kernel would do: classic BPF over struct seccomp_data."""
    words = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack(
        "=iIQ6Q", call, machine.audit if audit is None else audit, 0, *(w & (1 << 64) - 1 for w in words)
    )
    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at = loaded = 0
    while True:
        operation, yes, no, value = code[at]
        at += 1
        if operation == 0x20:
            (loaded,) = struct.unpack_from("=I", data, value)
        elif operation == 0x06:
            return value
        else:
            holds = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[operation]
            at += yes if holds else no


@BOTH
def test_every_refused_call_is_refused(machine: Machine) -> None:
    program = session_filter(machine)
    for name in REFUSED_CALLS:
        if name in machine.numbers:
            assert verdict(program, machine, machine.numbers[name]) == EPERM, name


def test_only_calls_of_one_machine_are_missing_on_the_other() -> None:
    missing = {name for name in REFUSED_CALLS if name not in MACHINES["aarch64"].numbers}
    assert missing == {"iopl", "ioperm", "uselib"}
    assert all(name in MACHINES["x86_64"].numbers for name in REFUSED_CALLS)


@BOTH
def test_ordinary_calls_pass(machine: Machine) -> None:
    program = session_filter(machine)
    named = set(machine.numbers.values())
    for call in range(0, 460):
        if call not in named:
            assert verdict(program, machine, call) == ALLOW, call


@BOTH
def test_another_architecture_is_killed(machine: Machine) -> None:
    for audit in (0x40000003, 0x40000028, 0):
        assert verdict(session_filter(machine), machine, 0, audit=audit) == KILL


def test_the_x32_convention_is_killed() -> None:
    machine = MACHINES["x86_64"]
    assert verdict(session_filter(machine), machine, 0x40000000) == KILL
    assert verdict(session_filter(machine), machine, 0x40000000 | 39) == KILL


@BOTH
def test_clone_makes_processes_and_threads_but_no_namespace(machine: Machine) -> None:
    program, clone = session_filter(machine), machine.numbers["clone"]
    for bit in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert verdict(program, machine, clone, bit | 17) == EPERM
        assert verdict(program, machine, machine.numbers["unshare"], bit) == EPERM
    assert verdict(program, machine, clone, 0x01200011) == ALLOW  # fork in glibc
    assert verdict(program, machine, clone, 0x003D0F00) == ALLOW  # a thread in glibc
    assert verdict(program, machine, machine.numbers["unshare"], 0x400) == ALLOW  # CLONE_FILES
    assert verdict(program, machine, machine.numbers["unshare"], 0x80) == EPERM  # CLONE_NEWTIME
    assert verdict(program, machine, machine.numbers["clone3"]) == ENOSYS


@BOTH
def test_terminal_injection_is_refused_whatever_the_high_half_says(machine: Machine) -> None:
    program, ioctl = session_filter(machine), machine.numbers["ioctl"]
    for request in (0x5412, 0x541C):
        for high in (0, 1 << 32, 0xFFFFFFFF << 32):
            assert verdict(program, machine, ioctl, 0, high | request) == EPERM
    assert verdict(program, machine, ioctl, 0, 0x5401) == ALLOW  # TCGETS


@BOTH
def test_socket_families(machine: Machine) -> None:
    program, call = session_filter(machine), machine.numbers["socket"]
    allowed = {family for family in range(64) if verdict(program, machine, call, family) == ALLOW}
    assert allowed == {1, 2, 10, 16}
    assert verdict(program, machine, call, 40) == EAFNOSUPPORT
    assert verdict(program, machine, call, (1 << 32) | 40) == EAFNOSUPPORT


@BOTH
def test_the_listener_hears_of_renames_only_unless_asked_for_removals(machine: Machine) -> None:
    renames, both = notify_filter(machine, RENAMES), notify_filter(machine, RENAMES + REMOVALS)
    for name in RENAMES:
        if name in machine.numbers:
            assert (
                verdict(renames, machine, machine.numbers[name])
                == verdict(both, machine, machine.numbers[name])
                == NOTIFY
            )
    for name in REMOVALS:
        if name in machine.numbers:
            assert verdict(renames, machine, machine.numbers[name]) == ALLOW
            assert verdict(both, machine, machine.numbers[name]) == NOTIFY
    assert verdict(both, machine, machine.numbers["openat"]) == ALLOW


@BOTH
def test_removing_a_folder_is_told_apart_from_removing_a_file(machine: Machine) -> None:
    program = notify_filter(machine, FOLDER_REMOVALS)
    unlinkat = machine.numbers["unlinkat"]
    assert verdict(program, machine, unlinkat, 0, 0, 0x200) == NOTIFY
    assert verdict(program, machine, unlinkat, 0, 0, 0) == ALLOW
    assert verdict(notify_filter(machine, FOLDER_REMOVALS + REMOVALS), machine, unlinkat, 0, 0, 0) == NOTIFY
