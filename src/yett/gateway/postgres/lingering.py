"""A lone client's next message is looked for a moment before the process sleeps: to be woken takes longer than that.

See docs/decisions/0035.
"""

from __future__ import annotations

import asyncio
from time import perf_counter

from yett.model.machine import processors

LINGER_S = 0.000_250
ALONE = 8
"""How many times in succession something must have come for one connection, and for no other."""
SMALL = 4096
"""Bytes; behind more of them a stream is under way: its next piece wakes nobody who is not awake, and whoever makes it
needs the processor."""


class Linger:
    """One event loop's. What comes for the only busy connection sooner than `LINGER_S` behind the last makes the loop
    poll for as long, instead of sleeping. So a processor is kept busy for at most twice the time in which a client and
    its server were as fast; beside another busy client, or with one processor, none is."""

    __slots__ = ("_alone", "_at", "_loop", "_most", "_of", "_polling", "_until")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._most = LINGER_S if processors() > 1 else 0.0  # with one, whoever is waited for could not run
        self._of = self._alone = 0
        self._at = self._until = 0.0
        self._polling = False

    def came(self, of: int, size: int) -> None:
        """So many bytes came for the connection `of`, from either side."""
        if size > SMALL:
            self._alone, self._until = 0, 0.0
        elif of != self._of:
            self._of, self._alone, self._until = of, 0, 0.0
        elif self._alone < ALONE:
            self._alone += 1
        else:
            self._linger()

    def _linger(self) -> None:
        now = perf_counter()
        if now - self._at < self._most:
            self._until = now + self._most
            if not self._polling:
                self._polling = True
                self._loop.call_soon(self._poll)
        self._at = now

    def _poll(self) -> None:
        """While something is to be run at once, the loop asks for what has come and does not wait for it."""
        if perf_counter() < self._until:
            self._loop.call_soon(self._poll)
        else:
            self._polling = False
