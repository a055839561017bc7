"""tar archives, header by header (POSIX.1-2001 pax, ustar, GNU, the old V7): forward only, nothing kept.

The standard library's reader keeps every header, believes sizes, and had three holes that a planted file reaches
(CVE-2019-20907, CVE-2024-6232, CVE-2025-8194).
"""

from __future__ import annotations

from collections.abc import Iterator

from yett.inventory.unpack.budget import Broken, Budget
from yett.inventory.unpack.kinds import has_checksum
from yett.inventory.unpack.member import Member
from yett.inventory.unpack.streams import CHUNK, Bytes, Counted, exactly

_BLOCK = 512
_LONGEST_HEADER = 1 << 20
"""Of the bodies of pax and GNU headers; a name is 4,096 bytes long at most."""
_FILES = b"\0" + b"0" + b"7" + b"S"
_NO_BODY = b"123456"


class _Slice:
    """The body of one member. What is left of it is passed over when the next is asked for."""

    def __init__(self, stream: Bytes, size: int) -> None:
        self._stream = stream
        self.left = size

    def read(self, size: int, /) -> bytes:
        wanted = min(size, self.left)
        data = self._stream.read(wanted) if wanted > 0 else b""
        if wanted > 0 and not data:
            self.left = 0
            raise Broken("the archive is cut off")
        self.left -= len(data)
        return data


def tar_members(source: Bytes, budget: Budget) -> Iterator[Member]:
    """Every file in it; `source` is counted already. A file of holes gives what is written in it; links give nothing.

    Raises:
        Broken: a header is none, or the archive ends in the middle. What was before is given.
    """
    said: dict[str, bytes] = {}
    while (header := _header(source)) is not None:
        kind = header[156]
        size = _number(said.pop("size", header[124:136]))
        if kind in b"xLKgXV":
            budget.count_member()
            said.update(_meta(kind, _body(source, size)))
            _pass(source, -size % _BLOCK)
            continue
        name = said.get("GNU.sparse.name") or said.get("path") or _name(header)
        said = {}
        if kind == ord("S"):
            _holes(source, header)
        size = 0 if kind in _NO_BODY else size
        body = _Slice(source, size)
        if kind in _FILES and not name.endswith(b"/"):
            yield Member(name.decode("utf-8", "replace"), body)
        else:
            budget.count_member()
        _pass(source, body.left + -size % _BLOCK)


def _header(source: Bytes) -> bytes | None:
    """None at the end: a block of zeros, or nothing."""
    header = exactly(source, _BLOCK)
    if not header or not header.strip(b"\0"):
        return None
    if len(header) < _BLOCK:
        raise Broken("the archive is cut off")
    if not has_checksum(header):
        raise Broken("a header of the archive is broken: the rest was not read")
    return header


def _number(field: bytes) -> int:
    """Octal digits, or bytes behind a set first bit (GNU), or decimal digits that a pax header gave."""
    if field[:1] == b"d":
        return _digits(field[1:], 10)
    if field[0] & 0x80:
        if field[0] & 0x40:
            raise Broken("a header of the archive is broken: the rest was not read")
        return int.from_bytes(bytes([field[0] & 0x3F]) + field[1:], "big")
    return _digits(field.strip(b" \0") or b"0", 8)


def _digits(text: bytes, base: int) -> int:
    try:
        number = int(text[:24], base)
    except ValueError as error:
        raise Broken("a header of the archive is broken: the rest was not read") from error
    if number < 0:
        raise Broken("a header of the archive is broken: the rest was not read")
    return number


def _name(header: bytes) -> bytes:
    name = header[:100].split(b"\0")[0]
    prefix = header[345:500].split(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _body(source: Bytes, size: int) -> bytes:
    if size > _LONGEST_HEADER:
        raise Broken("a header of the archive is too large: the rest was not read")
    body = exactly(source, size)
    if len(body) < size:
        raise Broken("the archive is cut off")
    return body


def _meta(kind: int, body: bytes) -> dict[str, bytes]:
    """What a header says about the next one: its name, its size."""
    if kind == ord("L"):
        return {"path": body.split(b"\0")[0]}
    return _pax(body) if kind in b"xX" else {}


def _pax(body: bytes) -> dict[str, bytes]:
    """Records "LENGTH KEY=VALUE\\n", where LENGTH counts all of it."""
    said: dict[str, bytes] = {}
    at = 0
    while at < len(body):
        blank = body.find(b" ", at, at + 12)
        if blank < 0 or not body[at:blank].isdigit() or not (length := int(body[at:blank])):
            break
        key, equals, value = body[blank + 1 : at + length - 1].partition(b"=")
        if equals and key in (b"path", b"GNU.sparse.name"):
            said[key.decode()] = value.split(b"\0")[0]
        elif equals and key == b"size":
            said["size"] = b"d" + value
        at += length
    return said


def _holes(source: Bytes, header: bytes) -> None:
    """Pass over the further maps of an old GNU sparse file: the one at byte 482 says whether there are any."""
    more = header[482]
    while more:
        block = exactly(source, _BLOCK)
        if len(block) < _BLOCK:
            raise Broken("the archive is cut off")
        more = block[504]


def _pass(source: Bytes, size: int) -> None:
    """Move on: in a file by a jump (its last byte is read, to notice that the archive is cut off)."""
    if size > 1 and isinstance(source, Counted) and source.skip(size - 1):
        size = 1
    while size > 0:
        data = source.read(min(CHUNK, size))
        if not data:
            raise Broken("the archive is cut off")
        size -= len(data)
