"""System call numbers by machine, from the kernel's own tables (arch/x86/entry/syscalls, include/uapi/asm-generic).

Numbers from 424 on are the same everywhere.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from yett.model.errors import ConfigurationError

_SHARED = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_open": 434,
    "clone3": 435,
    "openat2": 437,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "open_tree_attr": 467,
}

_X86_64 = {
    "ioctl": 16, "socket": 41, "clone": 56, "rename": 82, "rmdir": 84, "unlink": 87, "ptrace": 101, "syslog": 103,
    "uselib": 134, "vhangup": 153, "pivot_root": 155, "chroot": 161, "acct": 163, "settimeofday": 164, "mount": 165,
    "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169, "iopl": 172, "ioperm": 173, "init_module": 175,
    "delete_module": 176, "quotactl": 179, "clock_settime": 227, "kexec_load": 246, "add_key": 248, "request_key": 249,
    "keyctl": 250, "openat": 257, "unlinkat": 263, "renameat": 264, "unshare": 272, "perf_event_open": 298,
    "name_to_handle_at": 303, "open_by_handle_at": 304, "setns": 308, "process_vm_readv": 310,
    "process_vm_writev": 311, "finit_module": 313, "renameat2": 316, "seccomp": 317, "kexec_file_load": 320,
    "bpf": 321, "userfaultfd": 323, "open": 2,
}  # fmt: skip

_AARCH64 = {
    "ioctl": 29, "unlinkat": 35, "renameat": 38, "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51,
    "openat": 56, "vhangup": 58, "quotactl": 60, "acct": 89, "unshare": 97, "kexec_load": 104, "init_module": 105,
    "delete_module": 106, "clock_settime": 112, "syslog": 116, "ptrace": 117, "reboot": 142, "settimeofday": 170,
    "socket": 198, "add_key": 217, "request_key": 218, "keyctl": 219, "clone": 220, "swapon": 224, "swapoff": 225,
    "perf_event_open": 241, "name_to_handle_at": 264, "open_by_handle_at": 265, "setns": 268, "process_vm_readv": 270,
    "process_vm_writev": 271, "finit_module": 273, "renameat2": 276, "seccomp": 277, "bpf": 280, "userfaultfd": 282,
    "kexec_file_load": 294,
}  # fmt: skip


class Machine(NamedTuple):
    """A machine that the sandbox has a filter for. `numbers` lacks the calls that the machine does not have."""

    name: str
    audit: int
    numbers: dict[str, int]
    foreign_bit: int
    """Bit of a call number that selects another calling convention (x32), 0 if there is none."""


MACHINES = {
    "x86_64": Machine("x86_64", 0xC000003E, _X86_64 | _SHARED, 0x40000000),
    "aarch64": Machine("aarch64", 0xC00000B7, _AARCH64 | _SHARED, 0),
}


def this_machine() -> Machine:
    """The machine that this process runs on.

    Raises:
        ConfigurationError: no table for it, hence no filter, hence no sandbox.
    """
    name = os.uname().machine
    try:
        return MACHINES[name]
    except KeyError:
        raise ConfigurationError(
            f"The sandbox has no system call filter for {name}.", "Run agents on an x86_64 or aarch64 machine."
        ) from None
