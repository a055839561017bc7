"""Search a stream chunk by chunk, holding back only what could be the beginning of a secret."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from yett.broker.escapes import (
    LINE_BREAKS,
    LONGEST_ESCAPE,
    UNFINISHED,
    WRITTEN_LINE_BREAKS,
    Escapes,
    is_plain,
    join_lines,
    join_written_lines,
)
from yett.broker.needles import Needle, Needles


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` of a buffer are a secret in the form of `needle`. None: it was dealt with already."""

    start: int
    end: int
    needle: Needle | None


def search(needles: Needles, buffer: bytes) -> list[Span]:
    """Every known secret in the buffer, in each view of it, by where it stands in the buffer."""
    if needles.are_absent(buffer):
        return []
    lower = buffer.lower()
    if is_plain(buffer):
        return [Span(hit.start, hit.end, hit.needle) for hit in needles.find(lower)]
    joined = join_lines(lower)
    hits = needles.find(joined)
    if joined is lower:
        spans = [Span(hit.start, hit.end, hit.needle) for hit in hits]
    else:
        spans = _mapped(needles, LINE_BREAKS, lower, (0, len(lower))) if hits else []
    for escapes in needles.families:
        for region in escapes.regions(lower, needles.reach):
            spans += _mapped(needles, escapes, lower, region)
    soft = join_written_lines(joined)
    if soft is not joined and needles.find_one(soft):
        spans += _mapped(needles, WRITTEN_LINE_BREAKS, lower, (0, len(lower)))
    return spans


def _mapped(needles: Needles, escapes: Escapes, lower: bytes, region: tuple[int, int]) -> list[Span]:
    base, end = region
    view = escapes.view(lower[base:end])
    return [Span(base + view.start(hit.start), base + view.end(hit.end), hit.needle) for hit in needles.find(view.text)]


def hold_from(needles: Needles, buffer: bytes) -> int:
    """Where the end of the buffer starts that must wait: with more bytes it could become a secret."""
    if not needles or (buffer.endswith((b"\n\n", b"\r\n\r\n")) and not needles.hold_blank):
        return len(buffer)
    tail = _tail(needles, buffer)
    ends = [len(tail)]
    if cut_off := UNFINISHED.search(tail[-LONGEST_ESCAPE:]):
        ends.append(len(tail) - len(cut_off[0]))
    return len(buffer) - len(tail) + min(_unfinished(needles, tail[:end]) for end in ends)


def _tail(needles: Needles, buffer: bytes) -> bytes:
    """An end of the buffer, in lower case, that is longer than any needle in every view of it."""
    enough = needles.longest + LONGEST_ESCAPE
    size = 2 * enough
    while size < len(buffer):
        tail = buffer[-size:].lower()
        if all(len(escapes.view(tail).text) >= enough for escapes in _views(needles, tail)):
            return tail
        size *= 2
    return buffer.lower()


def _unfinished(needles: Needles, tail: bytes) -> int:
    views = _views(needles, tail)
    found = [needles.unfinished(tail)] if LINE_BREAKS not in views else []
    for escapes in views:
        view = escapes.view(tail)
        at = needles.unfinished(view.text)
        found.append(view.start(at) if at < len(view.text) else len(tail))
    return min(found)


def _views(needles: Needles, lower: bytes) -> list[Escapes]:
    """What the text must be seen through, besides as it stands."""
    views = [escapes for escapes in needles.families if escapes.regions(lower, 0)]
    if b"\n" in lower or b"\r" in lower:
        views.append(LINE_BREAKS)
    if b"\\n" in lower or b"\\r" in lower:
        views.append(WRITTEN_LINE_BREAKS)
    return views


class Window:
    """The end of a stream that is still in doubt. `on_secret` says what to emit in place of a secret's bytes."""

    def __init__(self, needles: Callable[[], Needles], on_secret: Callable[[Needle, bytes], bytes]) -> None:
        self._needles = needles
        self._on_secret = on_secret
        self._held = b""
        self._covered = 0  # leading held bytes that belong to a secret which was dealt with: never emitted

    def feed(self, chunk: bytes) -> bytes:
        """What may go on now."""
        needles = self._needles()
        if not needles and not self._held:
            return chunk
        buffer = self._held + chunk
        return self._emit(buffer, search(needles, buffer), hold_from(needles, buffer))

    def finish(self) -> bytes:
        """What was still held: nothing more comes."""
        buffer = self._held
        return self._emit(buffer, search(self._needles(), buffer), len(buffer)) if buffer else b""

    def _emit(self, buffer: bytes, spans: list[Span], cut: int) -> bytes:
        """Everything before `cut`, secrets replaced. A secret across `cut` is replaced now; its held bytes, which may
        begin another secret, stay for the search only."""
        spans.append(Span(0, self._covered, None))
        spans.sort(key=lambda span: (span.start, -span.end))
        out: list[bytes] = []
        position = 0
        for span in spans:
            if span.start >= cut and span.needle is not None:
                break
            if span.start >= position:
                out.append(buffer[position : span.start])
                if span.needle is not None:
                    out.append(self._on_secret(span.needle, buffer[span.start : span.end]))
            position = max(position, span.end)
        if position < cut:
            out.append(buffer[position:cut])
        self._held = buffer[cut:]
        self._covered = max(0, position - cut)
        return b"".join(out)
