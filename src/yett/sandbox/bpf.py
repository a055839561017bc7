"""A small assembler for classic BPF over `struct seccomp_data` (seccomp(2)).

Programs here are sequences of tests that either return or fall through, so a jump never leaves its own block and the
8-bit offsets of classic BPF are enough.
"""

from __future__ import annotations

import errno
import struct

Instruction = tuple[int, int, int, int]

NUMBER = 0
ARCHITECTURE = 4


def argument(index: int) -> int:
    """Offset of the low half of a system call's argument; both supported machines are little-endian."""
    return 16 + 8 * index


KILL = 0x80000000
NOTIFY = 0x7FC00000
ALLOW = 0x7FFF0000


def refuse(number: int = errno.EPERM) -> int:
    """The verdict that makes the call fail with an errno."""
    return 0x00050000 | number


def load(offset: int) -> Instruction:
    return (0x20, 0, 0, offset)


def give(verdict: int) -> Instruction:
    return (0x06, 0, 0, verdict)


def unless_equal(value: int, skip: int) -> Instruction:
    """Skip `skip` instructions unless the loaded word equals `value`."""
    return (0x15, 0, skip, value)


def unless_at_least(value: int, skip: int) -> Instruction:
    return (0x35, 0, skip, value)


def unless_any_bit(bits: int, skip: int) -> Instruction:
    return (0x45, 0, skip, bits)


def if_equal(value: int, skip: int) -> Instruction:
    """Skip `skip` instructions if the loaded word equals `value`."""
    return (0x15, skip, 0, value)


def when(number: int, block: list[Instruction]) -> list[Instruction]:
    """Run `block` for one system call. Every path through the block must return."""
    return [unless_equal(number, len(block)), *block]


def assemble(program: list[Instruction]) -> bytes:
    """Bytes of `struct sock_filter[]`. Raises ValueError: a jump or the program is too long for the kernel."""
    if len(program) > 4096 or any(jump > 255 for _, yes, no, _ in program for jump in (yes, no)):
        raise ValueError("the filter is longer than the kernel takes")
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)
