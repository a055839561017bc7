"""A delta and its base: the object that they make, and the parts of it that are not simply copied.

gitformat-pack, "Deltified representation": the two sizes, then instructions. A byte above 127 copies from the base (its
bits say which bytes of offset and size follow), another one inserts as many bytes as it says.

The loops here run some ten million times for a large repository. They are written out twice and use local names only,
because a call would cost more than an instruction. The three forms of a copy that make up 95 % of all are read at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from yett.model.errors import YettError

SEPARATOR = b"\n\0\n"
"""Between parts that do not touch in the object. No credential holds a NUL."""


_NEAR_SHORT = 0x93
_NEAR_LONG = 0xB3
_FAR_SHORT = 0x97
"""Copies by how many bytes say where (2, 2, 3) and how many (1, 2, 1)."""
_near_short = Struct("<xHB").unpack_from
_near_long = Struct("<xHH").unpack_from
_far_short = Struct("<xHBB").unpack_from


class Broken(YettError):
    """A delta that does not fit its base, or an entry that cannot be inflated."""


def sizes(delta: bytes) -> tuple[int, int, int]:
    """Size of the base, size of the result, and where the instructions start."""
    at = shift = base = 0
    while (byte := delta[at]) & 128:
        base |= (byte & 127) << shift
        shift += 7
        at += 1
    base |= byte << shift
    at += 1
    shift = result = 0
    while (byte := delta[at]) & 128:
        result |= (byte & 127) << shift
        shift += 7
        at += 1
    return base, result | byte << shift, at + 1


def pieces(base: bytes, delta: bytes, at: int, size: int) -> list[bytes]:
    """What the object is joined from. `at` and `size` as `sizes` says.

    Raises:
        Broken: the delta makes more than `size` bytes.
        IndexError, struct.error: the delta ends within an instruction.
    """
    made: list[bytes] = []
    append = made.append
    end = len(delta)
    while at < end:
        op = delta[at]
        if op == _NEAR_SHORT:
            start, count = _near_short(delta, at)
            at += 4
            append(base[start : start + count])
        elif op < 128:
            at += 1
            append(delta[at : (at := at + op)])
        else:
            if op == _FAR_SHORT:
                start, high, count = _far_short(delta, at)
                start |= high << 16
                at += 5
            elif op == _NEAR_LONG:
                start, count = _near_long(delta, at)
                at += 5
            else:
                start, count, at = _copy(delta, at)
            if count > 1024:
                size -= count
                if size < 0:
                    raise Broken("a delta that makes more than it says")
            append(base[start : start + count])
    return made


def changes(base: bytes, delta: bytes, at: int, reach: int) -> bytes:
    """Every byte of the object within `reach` of a change: an insert, or an end of a copy. Rows of them, separated.

    What is left out lies in the middle of a long copy, so it stands in the base with the same surroundings. A start
    or an end of the base that is also one of the object is no change. `at` as `sizes` says.
    """
    parts: list[bytes] = []
    append = parts.append
    end = len(delta)
    twice = 2 * reach
    while at < end:
        op = delta[at]
        if op == _NEAR_SHORT:
            start, count = _near_short(delta, at)
            at += 4
            append(base[start : start + count])
        elif op < 128:
            at += 1
            append(delta[at : (at := at + op)])
        else:
            if op == _FAR_SHORT:
                start, high, count = _far_short(delta, at)
                start |= high << 16
                at += 5
            elif op == _NEAR_LONG:
                start, count = _near_long(delta, at)
                at += 5
            else:
                start, count, at = _copy(delta, at)
            if count <= twice:
                append(base[start : start + count])
            else:
                if start or parts:
                    append(base[start : start + reach])
                append(SEPARATOR)
                start += count
                if at < end or start != len(base):
                    append(base[start - reach : start])
    return b"".join(parts)


def changes_in(made: Sequence[bytes], base: bytes, reach: int) -> bytes:
    """As `changes`, of an object that is made anyway: from its pieces. What is long was copied, inserts are short."""
    twice = 2 * reach
    parts = [each if len(each) <= twice else each[:reach] + SEPARATOR + each[-reach:] for each in made]
    if made and len(made[0]) > twice and base.startswith(made[0][:reach]):
        parts[0] = parts[0][reach:]
    if made and len(made[-1]) > twice and base.endswith(made[-1][-reach:]):
        parts[-1] = parts[-1][:-reach]
    return b"".join(parts)


def resolve(base: bytes, delta: bytes) -> bytes:
    """The whole object.

    Raises:
        Broken: the delta is of another base, or does not make what it says.
        IndexError, struct.error: the delta ends within an instruction.
    """
    expected, size, at = sizes(delta)
    made = b"".join(pieces(base, delta, at, size))
    if expected != len(base) or len(made) != size:
        raise Broken("a delta that does not fit its base")
    return made


def _copy(delta: bytes, at: int) -> tuple[int, int, int]:
    """Any copy instruction: from where, how much, and where the next instruction starts."""
    op = delta[at]
    at += 1
    start = count = 0
    for bit in range(4):
        if op & 1 << bit:
            start |= delta[at] << 8 * bit
            at += 1
    for bit in range(3):
        if op & 16 << bit:
            count |= delta[at] << 8 * bit
            at += 1
    return start, count or 65536, at
