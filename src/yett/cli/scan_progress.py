"""One line on a terminal that says how far a scan is: rate, and time left once the end is known."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from yett.inventory.survey import Step

_EVERY_S = 0.1
_CLEAR = "\r\x1b[K"


class Line:
    """Shown only where somebody looks, and gone when the scan is done."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shows = stream.isatty()
        self._stage = ""
        self._began = self._last = 0.0

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_ended: object) -> None:
        if self._shows and self._last:
            self._stream.write(_CLEAR)
            self._stream.flush()

    def show(self, step: Step) -> None:
        now = time.monotonic()
        if step.stage != self._stage:
            self._stage, self._began, self._last = step.stage, now, 0.0
        if not self._shows or now - self._last < _EVERY_S:
            return
        self._last = now
        self._stream.write(f"{_CLEAR}{words(step, now - self._began)}")
        self._stream.flush()


def words(step: Step, seconds: float) -> str:
    """`files: 12,431, 812 MB, 450 MB/s, 3 s left`."""
    said = [f"{step.done:,}"] if step.done else []
    if step.bytes:
        said.append(f"{step.bytes / 1e6:,.0f} MB")
        if seconds >= 1:
            said.append(f"{step.bytes / 1e6 / seconds:,.0f} MB/s")
    if step.total > step.done > 0 and seconds >= 1:
        said.append(f"{seconds * (step.total - step.done) / step.done:,.0f} s left")
    return f"{step.stage}: {', '.join(said)}" if said else step.stage
