"""The system call filter of everything inside the sandbox.

Each rule closes a way out that namespaces leave open, or one that only matters because the sandbox of root maps to the
real root outside. AF_UNIX stays allowed: the network namespace isolates abstract names, the mount namespace paths, and
without it forkserver, Node IPC and local databases fail.
"""

from __future__ import annotations

import errno

from yett.sandbox.bpf import (
    ALLOW,
    ARCHITECTURE,
    KILL,
    NOTIFY,
    NUMBER,
    Instruction,
    argument,
    assemble,
    give,
    if_equal,
    load,
    refuse,
    unless_any_bit,
    unless_at_least,
    unless_equal,
    when,
)
from yett.sandbox.machines import Machine

REFUSED_CALLS = (
    # another process's memory and descriptors
    "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd",
    # large kernel interfaces with a history of holes, and no use in everyday work
    "io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "perf_event_open", "userfaultfd",
    # keyrings are not namespaced: the session's keys would be readable
    "keyctl", "add_key", "request_key",
    # the view of the file system is what masks secrets
    "mount", "umount2", "move_mount", "open_tree", "open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick",
    "mount_setattr", "pivot_root", "chroot", "setns",
    # handles open files by inode, past every mask
    "open_by_handle_at", "name_to_handle_at",
    # the host itself
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "swapon", "swapoff", "quotactl",
    "quotactl_fd", "syslog", "acct", "reboot", "settimeofday", "clock_settime", "iopl", "ioperm", "uselib", "vhangup",
)  # fmt: skip

_NEW_NAMESPACES = 0x7E020000 | 0x80
"""Every CLONE_NEW* bit. 0x80 is CLONE_NEWTIME for unshare(2); in clone(2) those bits hold the exit signal."""

_AT_REMOVEDIR = 0x200
_TIOCSTI = 0x5412
_TIOCLINUX = 0x541C
_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Not AF_VSOCK (reaches the hypervisor), AF_PACKET, AF_ALG."""


def session_filter(machine: Machine) -> bytes:
    """The filter that the command and everything below it runs under."""
    number = machine.numbers
    program = _only_native(machine)
    for name in REFUSED_CALLS:
        if name in number:
            program += [unless_equal(number[name], 1), give(refuse())]
    # glibc falls back to clone, whose flags a filter can read; clone3's lie in memory
    program += [unless_equal(number["clone3"], 1), give(refuse(errno.ENOSYS))]
    program += when(number["clone"], _refuse_bits(_NEW_NAMESPACES & ~0xFF))
    program += when(number["unshare"], _refuse_bits(_NEW_NAMESPACES))
    program += when(number["ioctl"], _refuse_terminal_injection())
    program += when(number["socket"], _refuse_families())
    return assemble([*program, give(ALLOW)])


def notify_filter(machine: Machine, calls: tuple[str, ...]) -> bytes:
    """A filter that hands the named calls to a listener and lets all others pass. Decides nothing by itself.

    With "rmdir", unlinkat counts where it removes a directory.
    """
    program = [load(ARCHITECTURE), if_equal(machine.audit, 1), give(ALLOW), load(NUMBER)]
    for name in calls:
        if name in machine.numbers:
            program += [unless_equal(machine.numbers[name], 1), give(NOTIFY)]
    if "rmdir" in calls:
        block = [load(argument(2)), unless_any_bit(_AT_REMOVEDIR, 1), give(NOTIFY), give(ALLOW)]
        program += when(machine.numbers["unlinkat"], block)
    return assemble([*program, give(ALLOW)])


def _only_native(machine: Machine) -> list[Instruction]:
    """Kill other architectures: their numbers mean other calls, so every rule below would test the wrong thing."""
    program = [load(ARCHITECTURE), if_equal(machine.audit, 1), give(KILL), load(NUMBER)]
    if machine.foreign_bit:
        program += [unless_at_least(machine.foreign_bit, 1), give(KILL)]
    return program


def _refuse_bits(bits: int) -> list[Instruction]:
    return [load(argument(0)), unless_any_bit(bits, 1), give(refuse()), give(ALLOW)]


def _refuse_terminal_injection() -> list[Instruction]:
    """Both push bytes into a terminal's input, as if the person had typed them (CVE-2017-5226)."""
    return [load(argument(1)), if_equal(_TIOCSTI, 1), unless_equal(_TIOCLINUX, 1), give(refuse()), give(ALLOW)]


def _refuse_families() -> list[Instruction]:
    tests = [if_equal(family, len(_FAMILIES) - at) for at, family in enumerate(_FAMILIES)]
    return [load(argument(0)), *tests, give(refuse(errno.EAFNOSUPPORT)), give(ALLOW)]
