"""How fast and how long issuers are asked."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limits:
    """`gap_s` between two questions to one host, `hosts` asked at once, `most` questions of one scan.

    `within_s` is for one question from dialling to the end of its answer, `body` the octets of an answer that are
    read. A host that asks to wait longer than `patience_s` is asked no more.
    """

    gap_s: float = 1.0
    hosts: int = 4
    most: int = 1000
    within_s: float = 15.0
    body: int = 64 << 10
    patience_s: float = 60.0
    unsaid_s: float = 10.0
    """To wait after "too many requests" where the host does not say how long."""


class Stopped(Exception):
    """The scan was broken off while somebody waited."""


class Clock(Protocol):
    """Time that passes. `now` in seconds, monotonic; `today` is unix time."""

    def now(self) -> float: ...
    def today(self) -> float: ...
    def wait(self, seconds: float) -> None:
        """Raises Stopped: `stop` was called before or meanwhile."""
        ...

    def stop(self) -> None:
        """End every wait, now and later."""
        ...


class WallClock:
    """Real time, for all threads of one scan."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def now(self) -> float:
        return time.monotonic()

    def today(self) -> float:
        return time.time()

    def wait(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise Stopped

    def stop(self) -> None:
        self._stopped.set()


class Pace:
    """When one host may be asked next. Used by one thread: questions to a host follow each other."""

    def __init__(self, gap_s: float, clock: Clock) -> None:
        self._gap = gap_s
        self._clock = clock
        self._next = 0.0

    def turn(self) -> None:
        """Wait until the host may be asked. Raises Stopped: the scan was broken off."""
        self._clock.wait(max(0.0, self._next - self._clock.now()))
        self._next = self._clock.now() + self._gap

    def hold(self, seconds: float) -> None:
        """Ask nothing for so long."""
        self._next = max(self._next, self._clock.now() + seconds)


def seconds_of(retry_after: str, today: float) -> float | None:
    """Retry-After as seconds from now (RFC 9110, 10.2.3: a number or a date), None where it says neither."""
    said = retry_after.strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - today)
    except (ValueError, OverflowError):
        return None
