"""Look into one file or text: parse it if its form is known, screen it, and say where each value stands."""

from __future__ import annotations

import errno
import mmap
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from yett.inventory.engine import Detector, Sight
from yett.inventory.formats import Format, format_of
from yett.inventory.hit import Hit
from yett.inventory.joined import joined, parsed
from yett.inventory.likely import is_prose
from yett.inventory.outcome import Unread
from yett.inventory.severity import Severity
from yett.inventory.texts import BINARY_HEAD, hits_in, utf16
from yett.inventory.unpack import HEAD, is_container, texts_of

BUFFER = 128 << 10
"""Read at once; nearly every source file fits, and a larger buffer falls out of the processor's cache."""
WINDOW, OVERLAP = 4 << 20, 64 << 10
"""Larger files are looked at in windows; no value is longer than what two of them share."""
_AS_IT_LIES = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
MOST_PARSED = 16 << 20
"""Bytes of a file that a parser of its format reads as a whole."""
MOST_READ = 8 << 30
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
        self._look = detector.screen.found
        self._unpack = unpack
        self._buffer = mmap.mmap(-1, WINDOW + OVERLAP, flags=_PRIVATE)  # pages that no file fills are never there
        self._view = memoryview(self._buffer)
        self._first = [self._view[:BUFFER]]
        self.files = self.bytes = 0

    def file(self, path: str, tell: Tell, source: str = "file", form: Format | None = None) -> Sequence[Seen]:
        """Everything in a regular file. A link, a pipe or a device is passed over; what cannot be read is told."""
        try:
            descriptor = os.open(path, _AS_IT_LIES)
        except FileNotFoundError:
            return ()  # it went away meanwhile
        except OSError as error:
            tell(Unread(path, error.strerror or "cannot be opened"))
            return ()
        found: list[Seen] = []
        try:
            if found_in := self._opened(descriptor, path, tell, source, form or format_of(path)):
                found.extend(found_in)  # before the file is closed; what an error cuts off keeps what it gave
        except OSError as error:
            tell(Unread(path, error.strerror or "cannot be read"))
        finally:
            os.close(descriptor)
        return found

    def text(
        self,
        name: str,
        content: bytes,
        source: str,
        tell: Tell,
        form: Format | None = None,
        sight: Sight | None = None,
    ) -> list[Seen]:
        """Everything in a text that lies in memory. `sight`: what the screen saw in it, if it was asked already."""
        hits = self._hits(content, form, lambda why: tell(Unread(name, why)), sight)
        lines = _lines(content, (hit.start for hit in hits))
        return [_seen(name, source, content, hit, lines[hit.start]) for hit in hits]

    def _hits(
        self, content: bytes, form: Format | None, broken: Callable[[str], None], sight: Sight | None
    ) -> list[Hit]:
        """The parser's and the detector's, a span once."""
        found = hits_in(self._detector, content, sight)
        if form is None or len(content) > MOST_PARSED:
            return found
        return joined(found, list(parsed(content, form, broken)), len(content))

    def _opened(self, descriptor: int, path: str, tell: Tell, source: str, form: Format | None) -> Iterable[Seen]:
        """Nearly every file ends here: nothing in it, and its bytes were never copied."""
        size = os.readv(descriptor, self._first)
        self.files += 1
        if size == BUFFER:
            about = os.fstat(descriptor)
            if about.st_size > WINDOW or not stat.S_ISREG(about.st_mode):
                return self._large(descriptor, path, tell, source, form, about)
            while size < about.st_size and (more := os.readv(descriptor, [self._view[size : about.st_size]])):
                size += more
        self.bytes += size
        view = self._view[:size]
        sight = self._look(view)
        if sight.ids or form is not None or self._is_special(path, size):
            return self._content(descriptor, path, view.tobytes(), tell, source, form, sight)
        return ()

    def _is_special(self, path: str, size: int) -> bool:
        """Whether its bytes are not what they say: an archive, a database, UTF-16."""
        if self._buffer.find(b"\0", 0, min(size, BINARY_HEAD)) < 0 and not path.endswith(_NOTEBOOK):
            return False
        head = self._view[: min(size, HEAD)].tobytes()
        return utf16(head) != "" or (self._unpack and is_container(path, head))

    def _content(
        self,
        descriptor: int,
        path: str,
        content: bytes,
        tell: Tell,
        source: str,
        form: Format | None,
        sight: Sight | None = None,
    ) -> Iterator[Seen]:
        """An archive and a text of another encoding are looked at as they lie too: their first bytes may lie."""
        modified = os.fstat(descriptor).st_mtime
        inside: set[bytes] = set()
        if self._unpack and is_container(path, content[:HEAD]):
            for seen in self._container(path, tell, source):
                inside.add(seen.value)
                yield seen
            if not path.endswith(_NOTEBOOK):
                tell = _unheard  # whoever unpacked it said what is wrong with it
        if encoding := utf16(content[:HEAD]):
            for seen in self._translated(path, content, encoding, tell, source, form):
                inside.add(seen.value)
                yield replace(seen, modified=modified)
            tell = _unheard
        for seen in self.text(path, content, source, tell, form, sight):
            if seen.value not in inside or path.endswith(_NOTEBOOK):
                yield replace(seen, modified=modified)

    def _translated(
        self, path: str, content: bytes, encoding: str, tell: Tell, source: str, form: Format | None
    ) -> Iterator[Seen]:
        """What the text says, each with the bytes that it has in the file, for these are to be masked."""
        text = content.decode(encoding, "replace").encode("utf-8", "replace")
        for seen in self.text(path, text, source, tell, form):
            raw = text[seen.hit.start : seen.hit.end].decode("utf-8", "replace").encode(encoding, "replace")
            yield replace(seen, encoded=raw)

    def _large(
        self, descriptor: int, path: str, tell: Tell, source: str, form: Format | None, about: os.stat_result
    ) -> Iterator[Seen]:
        if not stat.S_ISREG(about.st_mode):
            return
        if min(about.st_size, about.st_blocks * 512) > MOST_READ:
            tell(Unread(path, f"larger than {MOST_READ >> 30} GB"))
            return
        if form is not None and about.st_size <= MOST_PARSED:
            content = self._view[:BUFFER].tobytes() + _exactly(descriptor, about.st_size - BUFFER)
            self.bytes += len(content)
            yield from self._content(descriptor, path, content, tell, source, form)
            return
        if form is not None:
            tell(Unread(path, f"larger than {MOST_PARSED >> 20} MB: looked at without its parser"))
        inside: set[bytes] = set()
        if self._unpack and not path.endswith(_NOTEBOOK) and is_container(path, self._view[:HEAD].tobytes()):
            for seen in self._container(path, tell, source):
                inside.add(seen.value)
                yield seen
        yield from (seen for seen in self._windows(descriptor, path, source, about) if seen.value not in inside)

    def _windows(self, descriptor: int, path: str, source: str, about: os.stat_result) -> Iterator[Seen]:
        """A value in the overlap is seen twice, and told once. Holes are passed over: they cost whoever made them
        nothing.
        """
        lines = _Lines(descriptor)
        kept = base = told = 0
        shared: set[tuple[int, int]] = set()
        while (data := _data_from(descriptor, base, about.st_size)) is not None:
            if data - base >= WINDOW:
                kept, base, told = 0, data, data
            size = self._filled(descriptor, base, kept)
            if size == kept:
                return
            self.bytes += size - kept
            for seen in self._windowed(path, source, size, kept, lines):
                hit = replace(seen.hit, start=base - kept + seen.hit.start, end=base - kept + seen.hit.end)
                if hit.start >= told and (hit.start, hit.end) not in shared:
                    shared.add((hit.start, hit.end))
                    yield replace(seen, hit=hit, modified=about.st_mtime)
            lines.passed(base, size - kept)
            base += size - kept
            told = base - OVERLAP if size == kept + WINDOW else base
            shared = {span for span in shared if span[0] >= told}
            kept = min(size, OVERLAP)
            self._view[:kept] = self._view[size - kept : size].tobytes()

    def _filled(self, descriptor: int, base: int, kept: int) -> int:
        """The end of a window in the buffer, behind what was kept of the one before."""
        end, size = kept + WINDOW, kept
        while size < end and (more := os.preadv(descriptor, [self._view[size:end]], base + size - kept)):
            size += more
        return size

    def _windowed(self, path: str, source: str, size: int, kept: int, lines: _Lines) -> list[Seen]:
        """What is in the buffer, by its offsets there, and by lines of the file. It is only copied if there is any."""
        view = self._view[:size]
        sight = self._look(view)
        if not sight.ids:
            return []
        content = view.tobytes()
        hits = hits_in(self._detector, content, sight)
        first = lines.before() - content.count(b"\n", 0, kept) if hits else 0
        within = _lines(content, (hit.start for hit in hits))
        return [_at(path, source, content, hit, first + within[hit.start] - 1) for hit in hits]

    def _container(self, path: str, tell: Tell, source: str) -> Iterator[Seen]:
        for text in texts_of(path, path, unread=tell):
            self.bytes += len(text.content)
            yield from self.text(text.name, text.content, "archive", tell, format_of(text.name))


def _data_from(descriptor: int, at: int, size: int) -> int | None:
    """Where the next bytes are that somebody wrote, None behind the last."""
    if at >= size:
        return None
    try:
        return os.lseek(descriptor, at, os.SEEK_DATA)
    except (OSError, AttributeError) as error:
        return None if getattr(error, "errno", 0) == errno.ENXIO else at


class _Lines:
    """The lines of a large file, counted when somebody asks: where nothing is found, nobody does."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._uncounted: list[tuple[int, int]] = []
        self._line = 1

    def passed(self, base: int, size: int) -> None:
        """These bytes were looked at."""
        self._uncounted.append((base, size))

    def before(self) -> int:
        """The line that begins, or goes on, behind all that was passed. Reads what it counts once more."""
        for base, size in self._uncounted:
            for at in range(base, base + size, BUFFER):
                piece = os.pread(self._descriptor, min(BUFFER, base + size - at), at)
                self._line += piece.count(b"\n")
        self._uncounted.clear()
        return self._line


def _unheard(_unread: Unread) -> None:
    """It was told once already, or says nothing."""


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
    return _at(name, source, content, hit, line)


def _at(name: str, source: str, content: bytes, hit: Hit, line: int) -> Seen:
    encoded = content[hit.start : hit.end] if hit.decoded and hit.start >= 0 else b""
    return Seen(name, source, line, hit, hit.value_in(content), encoded=encoded)


def _exactly(descriptor: int, size: int) -> bytes:
    """Up to that many bytes; fewer at the end only."""
    parts = []
    while size > 0 and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
