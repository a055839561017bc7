"""Look into one file or text: parse it if its form is known, screen it, and say where each value stands."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from yett.inventory.engine import Detector
from yett.inventory.finding import Severity
from yett.inventory.formats import Format, format_of
from yett.inventory.hit import Hit
from yett.inventory.joined import joined, parsed
from yett.inventory.likely import is_prose
from yett.inventory.outcome import Unread
from yett.inventory.unpack import HEAD, is_container, texts_of

BUFFER = 128 << 10
"""Read at once; nearly every source file fits, and a larger buffer falls out of the processor's cache."""
WINDOW, OVERLAP = 4 << 20, 64 << 10
"""Larger files are looked at in windows; no value is longer than what two of them share."""
MOST_PARSED = 16 << 20
"""Bytes of a file that a parser of its format reads as a whole."""
MOST_READ = 8 << 30
_BINARY_HEAD = 8192
_NOTEBOOK = ".ipynb"
"""The one container that is text as well: both are looked at."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A credential at its place. `path` is the file, or `archive!/member`; its hit counts the bytes of that file."""

    path: str
    source: str
    line: int
    hit: Hit
    value: bytes
    modified: float = 0.0
    encoded: bytes = b""
    """The text of the value where that is not the value itself."""


Tell = Callable[[Unread], None]


class Look:
    """The eyes of one process: a detector and a buffer that is used again for every file."""

    def __init__(self, detector: Detector, unpack: bool = True) -> None:
        self._detector = detector
        self._unpack = unpack
        self._buffer = bytearray(BUFFER)
        self._view = memoryview(self._buffer)
        self.files = self.bytes = 0

    def file(self, path: str, tell: Tell, source: str = "file", form: Format | None = None) -> Iterator[Seen]:
        """Everything in a regular file. A link, a pipe or a device is passed over; what cannot be read is told."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return  # it went away meanwhile
        except OSError as error:
            tell(Unread(path, error.strerror or "cannot be opened"))
            return
        try:
            yield from self._opened(descriptor, path, tell, source, form or format_of(path))
        except OSError as error:
            tell(Unread(path, error.strerror or "cannot be read"))
        finally:
            os.close(descriptor)

    def text(self, name: str, content: bytes, source: str, tell: Tell, form: Format | None = None) -> list[Seen]:
        """Everything in a text that lies in memory."""
        hits = self.hits(content, form, lambda why: tell(Unread(name, why)))
        lines = _lines(content, (hit.start for hit in hits))
        return [_seen(name, source, content, hit, lines[hit.start]) for hit in hits]

    def hits(self, content: bytes, form: Format | None, broken: Callable[[str], None]) -> list[Hit]:
        """The parser's and the detector's, a span once."""
        found = self._detector.hits(content) if not is_binary(content) else self._detector.forms_only(content)
        if form is None or len(content) > MOST_PARSED:
            return found
        return joined(found, list(parsed(content, form, broken)), len(content))

    def _opened(self, descriptor: int, path: str, tell: Tell, source: str, form: Format | None) -> Iterator[Seen]:
        size = os.readv(descriptor, [self._buffer])
        self.files += 1
        self.bytes += size
        if size == BUFFER:
            yield from self._large(descriptor, path, tell, source, form)
            return
        view = self._view[:size]
        if form is None and not self._detector.touches(view) and not self._is_special(path, view):
            return
        content = view.tobytes()
        yield from self._content(descriptor, path, content, tell, source, form)

    def _is_special(self, path: str, view: memoryview) -> bool:
        """Whether its bytes are not what they say: an archive, a database, UTF-16."""
        if self._buffer.find(b"\0", 0, min(len(view), _BINARY_HEAD)) < 0 and not path.endswith(_NOTEBOOK):
            return False
        head = view[:HEAD].tobytes()
        return _utf16(head) != "" or (self._unpack and is_container(path, head))

    def _content(
        self, descriptor: int, path: str, content: bytes, tell: Tell, source: str, form: Format | None
    ) -> Iterator[Seen]:
        modified = os.fstat(descriptor).st_mtime
        if self._unpack and is_container(path, content[:HEAD]):
            yield from self._container(path, tell, source)
            if not path.endswith(_NOTEBOOK):
                return
        if encoding := _utf16(content[:2]):
            content = content.decode(encoding, "replace").encode()
        for seen in self.text(path, content, source, tell, form):
            yield replace(seen, modified=modified)

    def _large(self, descriptor: int, path: str, tell: Tell, source: str, form: Format | None) -> Iterator[Seen]:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            return
        if self._unpack and not path.endswith(_NOTEBOOK) and is_container(path, self._view[:HEAD].tobytes()):
            yield from self._container(path, tell, source)
            return
        if about.st_size > MOST_READ:
            tell(Unread(path, f"larger than {MOST_READ >> 30} GB"))
            return
        if form is not None and about.st_size > MOST_PARSED:
            tell(Unread(path, f"larger than {MOST_PARSED >> 20} MB: looked at without its parser"))
        if about.st_size <= WINDOW or (form is not None and about.st_size <= MOST_PARSED):
            content = self._view.tobytes() + _rest(descriptor, about.st_size)
            self.bytes += len(content) - BUFFER
            yield from self._content(descriptor, path, content, tell, source, form)
            return
        yield from self._windows(descriptor, path, source, about.st_mtime)

    def _windows(self, descriptor: int, path: str, source: str, modified: float) -> Iterator[Seen]:
        """A value in the overlap is seen twice, and told once."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        content, base, line, told = b"", 0, 1, 0
        while chunk := _exactly(descriptor, WINDOW):
            self.bytes += len(chunk)
            content = content[-OVERLAP:] if content else b""
            base_of_content = base - len(content)
            line_of_content = line - content.count(b"\n")
            content += chunk
            binary = is_binary(content)
            hits = self._detector.forms_only(content) if binary else self._detector.hits(content)
            lines = _lines(content, (hit.start for hit in hits))
            for hit in hits:
                start = base_of_content + hit.start
                if start < told:
                    continue
                at = line_of_content + lines[hit.start] - 1
                value = hit.value_in(content)
                moved = replace(hit, start=start, end=base_of_content + hit.end)
                yield Seen(path, source, at, moved, value, modified)
            base += len(chunk)
            line += chunk.count(b"\n")
            told = base - OVERLAP if len(chunk) == WINDOW else base

    def _container(self, path: str, tell: Tell, source: str) -> Iterator[Seen]:
        for text in texts_of(path, path, unread=tell):
            self.bytes += len(text.content)
            yield from self.text(text.name, text.content, "archive", tell, format_of(text.name))


def is_binary(content: bytes) -> bool:
    """As git tells: a NUL near the start."""
    return b"\0" in content[:_BINARY_HEAD]


def _utf16(head: bytes) -> str:
    return "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) and not head.startswith(b"\xff\xfe\0\0") else ""


def _lines(content: bytes, starts: Iterable[int]) -> dict[int, int]:
    """The line of each offset, from 1; the text is counted through once, however many there are."""
    lines: dict[int, int] = {}
    line, counted = 1, 0
    for start in sorted(set(starts)):
        if start > counted:
            line += content.count(b"\n", counted, start)
            counted = start
        lines[start] = line
    return lines


def _seen(name: str, source: str, content: bytes, hit: Hit, line: int) -> Seen:
    if is_prose(name, content, hit):
        hit = replace(hit, severity=Severity.LOW)
    encoded = content[hit.start : hit.end] if hit.decoded and hit.start >= 0 else b""
    return Seen(name, source, line, hit, hit.value_in(content), encoded=encoded)


def _rest(descriptor: int, size: int) -> bytes:
    return _exactly(descriptor, max(0, size - BUFFER))


def _exactly(descriptor: int, size: int) -> bytes:
    """Up to that many bytes; fewer at the end only."""
    parts = []
    while size > 0 and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
