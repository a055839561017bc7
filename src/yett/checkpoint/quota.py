"""How much of the ledger one session may fill (law 2): an agent that repeats itself must not take the disk from all.

Reads are each written, up to a total that no task comes near; then they are refused. Refusals beyond a rate are counted
instead, and the next one that is written says how many there were.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from yett.ledger.journal import Entry

MOST_READS = 2_000_000
"""Some hundred megabytes of the log: a day of a read every 50 milliseconds."""

AT_ONCE = 500
A_SECOND = 50.0


class Quota:
    """One session's part. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reads = 0
        self._left = float(AT_ONCE)
        self._at = clock()
        self._unwritten = 0

    def read(self) -> bool:
        """Take one read. False: there are none left."""
        self._reads += 1
        return self._reads <= MOST_READS

    def counted(self, refusal: Entry) -> Entry | None:
        """The entry as it is written, None if it is left out; it says how many were since the last."""
        now = self._clock()
        self._left = min(AT_ONCE, self._left + (now - self._at) * A_SECOND)
        self._at = now
        if self._left < 1:
            self._unwritten += 1
            return None
        self._left -= 1
        unwritten, self._unwritten = self._unwritten, 0
        return replace(refusal, body={**refusal.body, "left_out_before": unwritten}) if unwritten else refusal
