"""git's pkt-lines, and the ref commands of a push (gitprotocol-common(5), gitprotocol-pack(5)). No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from yett.model.errors import Unreadable

MAX_COMMANDS = 200
MAX_REF = 255
MAX_OPTIONS = 20
_MAX_LINE = 65520
_LENGTH = re.compile(rb"[0-9a-fA-F]{4}")
_COMMAND = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) ([^\x00-\x20\x7f]+)")
_SHALLOW = re.compile(rb"shallow (?:[0-9a-f]{40}|[0-9a-f]{64})")
# git-check-ref-format(1): what no ref name holds.
_BAD_REF = re.compile(r"\.\.|@\{|//|/\.|\.lock(?:/|$)|[ ~^:?*\[\\\x00-\x1f\x7f]|^[./]|[./]$")


class Mark(Enum):
    """A line without content. A delimiter stands only in requests of protocol version 2."""

    FLUSH = 0
    DELIMITER = 1


@dataclass(frozen=True, slots=True)
class Command:
    """One line of a push: the ref goes from `old` to `new`. All zeros: it does not exist."""

    old: str
    new: str
    ref: str

    @property
    def creates(self) -> bool:
        return not self.old.strip("0")

    @property
    def deletes(self) -> bool:
        return not self.new.strip("0")


@dataclass(frozen=True, slots=True)
class Push:
    """What a push says before its pack. `certificate`: the commands lie in a signed text that is not read here."""

    commands: tuple[Command, ...]
    capabilities: frozenset[str]
    options: tuple[str, ...]
    certificate: bool = False


def lines(data: bytes, at: int = 0) -> Iterator[tuple[bytes | Mark, int]]:
    """Each line's content without its newline, or its mark, with the offset behind it.

    Raises:
        Unreadable: a length that is none, or more announced than is there.
    """
    while at < len(data):
        head = data[at : at + 4]
        if not _LENGTH.fullmatch(head):
            raise _malformed("a line has no length")
        length = int(head, 16)
        if length <= 1:
            at += 4
            yield Mark(length), at
            continue
        if not 4 <= length <= _MAX_LINE or at + length > len(data):
            raise _malformed("a line is cut off")
        at += length
        yield data[at - length + 4 : at].removesuffix(b"\n"), at


def read_push(data: bytes) -> Push:
    """Read the head of a git-receive-pack request; the pack behind it is not looked at.

    Raises:
        Unreadable: anything that gitprotocol-pack does not have there, a ref twice, or no flush at the end.
    """
    rows, at = _section(data, 0)
    capabilities: frozenset[str] = frozenset()
    commands: list[Command] = []
    for row in rows:
        if _SHALLOW.fullmatch(row) and not commands:
            continue
        if not commands:
            row, zero, rest = row.partition(b"\0")
            capabilities = frozenset(_text(rest).split()) if zero else frozenset()
            if row == b"push-cert":
                return Push((), capabilities, (), certificate=True)
        commands.append(_command(row))
    if len({command.ref for command in commands}) != len(commands):
        raise _malformed("a ref occurs twice")
    options: tuple[str, ...] = ()
    if "push-options" in capabilities:
        found, at = _section(data, at)
        options = tuple(_text(option) for option in found)
        if len(options) > MAX_OPTIONS or any(len(option) > MAX_REF for option in options):
            raise Unreadable("The push has too many options, or too long ones", "Push with fewer.")
    if at < len(data) and not data.startswith(b"PACK", at):
        raise _malformed("something other than a pack follows")
    return Push(tuple(commands), capabilities, options)


def is_fetch(data: bytes) -> bool:
    """Whether a git-upload-pack request says only what a fetch says, in protocol version 0, 1 or 2."""
    try:
        return all(isinstance(row, Mark) or _FETCH_LINE.fullmatch(row) for row, _ in lines(data))
    except Unreadable:
        return False


_OID = rb"(?:[0-9a-f]{40}|[0-9a-f]{64})"
_FETCH_LINE = re.compile(
    rb"(?:want|have|shallow|unshallow) " + _OID + rb"(?: [ -~]{0,400})?"
    rb"|done|deepen \d{1,10}|deepen-since \d{1,12}|deepen-not [!-~]{1,255}|deepen-relative|filter [!-~]{1,100}"
    rb"|command=(?:ls-refs|fetch|object-info)|agent=[!-~]{1,200}|object-format=\w{1,20}|session-id=[!-~]{1,100}"
    rb"|peel|symrefs|unborn|ref-prefix [!-~]{1,255}|want-ref [!-~]{1,255}|thin-pack|no-progress|include-tag|ofs-delta"
    rb"|wait-for-done|sideband-all|packfile-uris [!-~]{1,50}|server-option=[!-~]{1,100}|size|oid " + _OID
)


def _section(data: bytes, at: int) -> tuple[list[bytes], int]:
    """The lines up to the next flush, and the offset behind it."""
    found: list[bytes] = []
    for row, end in lines(data, at):
        if row is Mark.FLUSH:
            return found, end
        if isinstance(row, Mark):
            break
        found.append(row)
        if len(found) > MAX_COMMANDS:
            raise Unreadable(f"The push has more than {MAX_COMMANDS} commands", "Push fewer refs at once.")
    raise _malformed("the commands have no end")


def _command(row: bytes) -> Command:
    match = _COMMAND.fullmatch(row)
    if match is None or len(match[1]) != len(match[2]):
        raise _malformed("a command is not old, new, ref")
    command = Command(match[1].decode(), match[2].decode(), _text(match[3]))
    if command.creates and command.deletes:
        raise _malformed("a command neither makes nor deletes a ref")
    if len(command.ref) > MAX_REF or _BAD_REF.search(command.ref) or not command.ref.startswith("refs/"):
        raise _malformed("a ref has a name that git refuses")
    return command


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed("a line is not UTF-8") from None


def _malformed(what: str) -> Unreadable:
    return Unreadable(f"The push is not what git sends: {what}", "Push with git.")
