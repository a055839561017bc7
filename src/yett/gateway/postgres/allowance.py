"""How much a task may be sent of one database, in bytes and in rows, over all of its connections and daemons.

What was sent is on disk before it is sent, always a piece ahead of it: a daemon that was killed finds a little more
there than was really sent, never less. The next piece is written while the one before it is being used up, so that
nobody waits for a disk unless it is slower than the network.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass

from yett.gateway.postgres.desk import Told
from yett.model.errors import YettError

CONFIGURATION_LIMIT = "53400"
_SHARE = 16
_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Sent:
    """Bytes and rows."""

    size: int = 0
    rows: int = 0

    def __add__(self, other: Sent) -> Sent:
        return Sent(self.size + other.size, self.rows + other.rows)

    def within(self, other: Sent) -> bool:
        return self.size <= other.size and self.rows <= other.rows


NOTHING, ENDLESS = Sent(), Sent(1 << 62, 1 << 62)
PIECE = Sent(16 * _MB, 100_000)
"""Written ahead, or a sixteenth of what may be sent if that is less: what a crash costs at most."""

Write = Callable[[Sent], Future[None]]


class Allowance:
    """Used on the event loop. `open`: whether more may be sent.

    `sent`: what was noted of it before; `write` notes it and resolves when it is durable, None: it is not kept. `name`:
    the database's, for the command that asks for more.
    """

    def __init__(self, most: Sent, sent: Sent = NOTHING, write: Write | None = None, name: str = "") -> None:
        self.open = sent.within(most)
        self._base = self._most = most
        self._more = Sent()
        self._size, self._rows = sent.size, sent.rows
        self._name = name
        self._write = write
        self._piece = Sent(min(PIECE.size, most.size // _SHARE), min(PIECE.rows, most.rows // _SHARE))
        self._noted = ENDLESS if write is None else sent
        self._writing: tuple[Future[None], Sent] | None = None
        self._failed = False
        self._next = Sent()
        self._mark()

    @property
    def sent(self) -> Sent:
        return Sent(self._size, self._rows)

    def spend(self, size: int, rows: int) -> None:
        """The hot path: so much is about to be sent."""
        self._size += size
        self._rows += rows
        if self._size > self._next.size or self._rows > self._next.rows:
            self._look()

    def grant(self, more: Sent) -> None:
        """A person has signed for so much in all beyond what every task may. What is over it already is let go."""
        grown = Sent(*(max(0, new - old) for new, old in zip(_of(more), _of(self._more), strict=True)))
        most = [
            max(may, was) + extra if extra else may
            for may, was, extra in zip(_of(self._most), _of(self.sent), _of(grown), strict=True)
        ]
        self._more, self._most = more, Sent(*most)
        self._look()

    def told(self) -> Told:
        """Why nothing more is sent."""
        if self._failed:
            self._look()
            words = "what this task was sent could not be noted, so nothing more is sent for now"
            return Told(f"yett: {words}", "send it again", CONFIGURATION_LIMIT)
        by_rows = self._size <= self._most.size
        what = f"{self._most.rows:,} rows" if by_rows else f"{self._most.size / _MB:,.0f} MB"
        more = f"--rows {self._base.rows}" if by_rows else f"--mb {max(1, self._base.size // _MB)}"
        less = "read less (an aggregate, a WHERE, a LIMIT)"
        hint = f"{less}, or ask a person for more: yett database allow {self._name} {more}"
        return Told(
            f"yett: this task has been sent {what} of this database, which is all it may", hint, CONFIGURATION_LIMIT
        )

    def settled(self) -> Sent:
        """What was really sent, to be noted at the end of a session; whatever comes after it is noted first."""
        self._noted = ENDLESS if self._write is None else self.sent
        self._writing = None
        self._mark()
        return self.sent

    def _look(self) -> None:
        self._failed = not self._ahead()
        self.open = not self._failed and self.sent.within(self._most)
        self._mark()

    def _ahead(self) -> bool:
        """See to it that what was sent is noted. Waits only where the disk is slower than the network."""
        write, half = self._write, Sent(self._piece.size // 2, self._piece.rows // 2)
        if write is None:
            return True
        try:
            while True:
                if self._writing is not None and (self._writing[0].done() or not self.sent.within(self._noted)):
                    writing, asked = self._writing
                    self._writing = None
                    writing.result()
                    self._noted = asked
                if self._writing is None and not (self.sent + half).within(self._noted):
                    asked = self.sent + self._piece
                    self._writing = write(asked), asked
                if self.sent.within(self._noted):
                    return True
        except (YettError, CancelledError, TimeoutError):
            return False

    def _mark(self) -> None:
        """How far it may go before anything has to be looked at."""
        ahead = Sent() if self._writing is not None else Sent(self._piece.size // 2, self._piece.rows // 2)
        most = self._most if self.open else ENDLESS
        self._next = Sent(min(most.size, self._noted.size - ahead.size), min(most.rows, self._noted.rows - ahead.rows))


def _of(sent: Sent) -> tuple[int, int]:
    return sent.size, sent.rows
