"""Reads that come thousands of times a second: each is counted before it leaves, and the counts are logged together.

The first pass of a read is an entry of its own (`record.read_entry`); what repeats it under the very same standing is
counted here, and within milliseconds "this read, so often" is queued for the log (law 2).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

from yett.ledger.journal import Entry, Journal
from yett.model.canonical import Json
from yett.model.errors import LedgerUnavailable

LINGER_S = 0.004
MOST_KINDS = 500
"""Different reads in one entry: sixty bytes each."""


class Tally:
    """Counts of one process, by session and request digest. Used on the event loop only."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._counts: Counter[tuple[str, str]] = Counter()
        self._flushing: asyncio.TimerHandle | None = None
        self._failed = False

    def count(self, key: tuple[str, str]) -> None:
        """Note one more. `key`: the session's id, the read's digest.

        Raises:
            LedgerUnavailable: what was counted before could not be queued, and still cannot.
        """
        if self._failed or len(self._counts) >= MOST_KINDS:
            self.flush()
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(LINGER_S, self._flush_quietly)
        self._counts[key] += 1

    def flush(self) -> None:
        """Queue what was counted. Raises LedgerUnavailable: it stays counted, and nothing more passes until it can."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        self._failed = True
        sessions: dict[str, dict[str, Json]] = {}
        for (session, digest), count in self._counts.items():
            sessions.setdefault(session, {})[digest] = count
        for session, of in sessions.items():
            self._journal.enqueue(Entry("reads", {"session": session, "again": of}))
            for digest in of:
                del self._counts[(session, digest)]
        self._failed = False

    def _flush_quietly(self) -> None:
        with contextlib.suppress(LedgerUnavailable):  # `_failed`: whoever comes next is told
            self.flush()
