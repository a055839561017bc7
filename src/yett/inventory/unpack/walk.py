"""From a container to its texts: each member is a text, or a container one level deeper, or is reported."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from yett.inventory.outcome import Unread
from yett.inventory.unpack.budget import MB, Broken, Budget, Exhausted, Limits
from yett.inventory.unpack.debs import deb_members
from yett.inventory.unpack.images import image_members
from yett.inventory.unpack.kinds import HEAD, Kind, kind_of
from yett.inventory.unpack.member import Member, Text, is_worth_reading, shown
from yett.inventory.unpack.notebooks import cells_of
from yett.inventory.unpack.reports import Reports
from yett.inventory.unpack.streams import Bytes, Counted, Joined, Part, decompressed, exactly
from yett.inventory.unpack.tars import tar_members
from yett.inventory.unpack.zips import Encrypted, zip_members

_NOT_READ = {
    Kind.SEVEN_ZIP: "a 7z archive, which is not read here",
    Kind.RAR: "a RAR archive, which is not read here",
    Kind.RPM: "an RPM package, which is not read here",
}
_PIECE = MB


def texts_of(
    source: str | os.PathLike[str] | bytes,
    name: str,
    limits: Limits | None = None,
    unread: Callable[[Unread], None] | None = None,
) -> Iterator[Text]:
    """Every text inside a container: a path, or its bytes. `name` is what people call it.

    Never raises for what is in it: `unread` is told, at most some 20 times. A plain file gives nothing.
    """
    reports = Reports(name, unread or _unheard)
    limits = limits or Limits()
    try:
        with _opened(source) as (file, size):
            budget = Budget(limits, size)
            yield from _timed(_Unpacking(budget, reports).container(file, size, source, name), budget)
    except (Broken, Exhausted) as stopped:
        reports.add(name, stopped.what)
    except OSError as error:
        reports.add(name, error.strerror or "cannot be read")
    reports.close()


def _unheard(_unread: Unread) -> None:
    """Nobody wants to know."""


@contextmanager
def _opened(source: str | os.PathLike[str] | bytes) -> Iterator[tuple[BinaryIO, int]]:
    if isinstance(source, bytes):
        yield io.BytesIO(source), len(source)
        return
    with open(os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise Broken("no regular file")
        yield file, about.st_size


def _timed(texts: Iterator[Text], budget: Budget) -> Iterator[Text]:
    """The scan's own work on a text is not the archive's fault."""
    while (text := next(texts, None)) is not None:
        budget.pause()
        yield text
        del text  # a member may be large: not two of them at once
        budget.resume()


@dataclass(frozen=True, slots=True)
class _Unpacking:
    budget: Budget
    reports: Reports

    def container(self, file: BinaryIO, size: int, source: str | os.PathLike[str] | bytes, name: str) -> Iterator[Text]:
        """The outermost one, which can be read in any order."""
        head = exactly(Part(file, 0, HEAD), HEAD)
        kind = kind_of(name, head)
        match kind:
            case Kind.ZIP:
                yield from self._members(zip_members(file, self.budget), name + "!/", 1)
            case Kind.DATABASE:
                yield from self._database(source if isinstance(source, bytes) else Path(source), name)
            case Kind.NOTEBOOK:
                yield from self._notebook(Part(file, 0, size), name, raw=False)
            case Kind():
                whole: Bytes = Part(file, 0, size)
                yield from self._streamed(kind, Counted(whole, self.budget) if kind is Kind.TAR else whole, head, name)

    def _streamed(self, kind: Kind, stream: Bytes, head: bytes, name: str, level: int = 1) -> Iterator[Text]:
        """A container that is read from its start to its end. What it holds has names below `name`."""
        inside = name + "!/"
        match kind:
            case Kind.TAR:
                yield from self._tar(stream, inside, level)
            case Kind.DEB:
                yield from self._members(deb_members(stream), inside, level)
            case Kind.STREAM:
                plain = Counted(decompressed(stream, head), self.budget)
                first = exactly(plain, HEAD)
                body = Joined(first, plain)
                if kind_of(".tar", first) is Kind.TAR:
                    yield from self._tar(body, inside, level)
                else:
                    yield from self._members(iter([Member(_unpacked_name(name), body)]), inside, level)
            case _:
                self.reports.add(name, _NOT_READ[kind])

    def _tar(self, stream: Bytes, inside: str, level: int) -> Iterator[Text]:
        yield from self._members(image_members(tar_members(stream, self.budget), self.budget), inside, level)

    def _members(self, members: Iterator[Member], inside: str, level: int) -> Iterator[Text]:
        try:
            for member in members:
                self.budget.count_member()
                if is_worth_reading(member.name):
                    yield from self._member(member, inside + shown(member.name), level)
        except Broken as broken:
            self.reports.add(inside.removesuffix("!/").removesuffix("/"), broken.what)

    def _member(self, member: Member, name: str, level: int) -> Iterator[Text]:
        try:
            head = exactly(member.stream, HEAD)
            stream = Joined(head, member.stream)
            kind = kind_of(".tar" if member.part else member.name, head)
            if kind is None:
                if self.budget.limits.binaries or not _is_binary(head):
                    yield from self._text(stream, name)
            elif member.part:
                yield from self._part(kind, stream, head, name, level)
            else:
                yield from self._nested(kind, stream, head, name, level)
        except Encrypted:
            self.reports.add_once("encrypted members", name, "encrypted, as others in it may be: not read")
        except Broken as broken:
            self.reports.add(name, broken.what)

    def _part(self, kind: Kind, stream: Bytes, head: bytes, name: str, level: int) -> Iterator[Text]:
        """A layer or a package's data: its files have names below it as in a folder."""
        if kind is Kind.STREAM:
            stream = Counted(decompressed(stream, head), self.budget)
        elif kind is not Kind.TAR:
            self.reports.add(name, "no archive of a kind that is read here")
            return
        yield from self._members(tar_members(stream, self.budget), name + "/", level)

    def _nested(self, kind: Kind, stream: Bytes, head: bytes, name: str, level: int) -> Iterator[Text]:
        if kind is Kind.NOTEBOOK:
            yield from self._notebook(stream, name, raw=True)
        elif kind is Kind.DATABASE:
            yield from self._database(self._whole(stream), name)
        elif level >= self.budget.limits.depth:
            self.reports.add(name, f"an archive {level + 1} levels deep: not read")
        elif kind is Kind.ZIP:
            file = io.BytesIO(self._whole(stream))
            yield from self._members(zip_members(file, self.budget), name + "!/", level + 1)
        else:
            yield from self._streamed(kind, stream, head, name, level + 1)

    def _text(self, stream: Bytes, name: str) -> Iterator[Text]:
        if content := self._content(stream, name):
            yield Text(name, content)

    def _notebook(self, stream: Bytes, name: str, *, raw: bool) -> Iterator[Text]:
        """The cells; if nobody else reads the notebook itself (`raw`), that as well."""
        content = self._content(stream, name)
        if raw:
            yield Text(name, content)
        for title, text in cells_of(content):
            yield Text(f"{name}!/{title}", text)

    def _database(self, source: bytes | Path, name: str) -> Iterator[Text]:
        from yett.inventory.unpack.databases import cells  # loads SQLite: a scan before a commit must start at once

        for title, text in cells(source, name, self.budget, self.reports):
            yield Text(f"{name}!/{shown(title)}", text)

    def _whole(self, stream: Bytes) -> bytes:
        """A member that is read in any order stays in memory. Raises Broken: it is too large for that."""
        limit = self.budget.limits.member
        pieces = list(_pieces(stream, limit))
        if stream.read(1):
            raise Broken(f"larger than {limit // MB} MB, within an archive: not read")
        return b"".join(pieces)

    def _content(self, stream: Bytes, name: str) -> bytes:
        """What can be had of a member, and a report if that is not all."""
        limit = self.budget.limits.member
        pieces: list[bytes] = []
        try:
            pieces.extend(_pieces(stream, limit))
            if stream.read(1):
                self.reports.add(name, f"only its first {limit // MB} MB were read")
        except Broken as broken:
            if not pieces:
                raise
            self.reports.add(name, f"{broken.what}: only a part was read")
        return b"".join(pieces)


def _pieces(stream: Bytes, limit: int) -> Iterator[bytes]:
    left = limit
    while left and (piece := stream.read(min(_PIECE, left))):
        left -= len(piece)
        yield piece


def _is_binary(head: bytes) -> bool:
    """As git tells, but for UTF-16 that says so."""
    return b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))


def _unpacked_name(name: str) -> str:
    """dump.sql.gz holds dump.sql."""
    base = name.rpartition("/")[2]
    stem, dot, ending = base.rpartition(".")
    return stem if dot and stem and ending.lower() in ("gz", "bz2", "xz", "zst", "lzma") else base
