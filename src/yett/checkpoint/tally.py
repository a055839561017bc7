"""Reads that come thousands of times a second: each is counted before it leaves, and the counts are logged together.

The first pass of a read is an entry of its own (`record.read_entry`); what repeats it under the very same standing is
counted here, and within milliseconds "this read, so often" is queued for the log (law 2). What differs from it only in
what no decision rests on is noted beside it by its own digest: "like this read, these".
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

from yett.ledger.journal import Entry, Journal
from yett.model.canonical import Json
from yett.model.errors import LedgerUnavailable

LINGER_S = 0.02
"""An entry takes half a millisecond of the processor: at 250 a second that was a third of what a read costs."""
MOST_KINDS = 500
"""Different reads in one entry: some seventy bytes each."""

Key = tuple[str, str]
"""A session's id, and the digest of a read that passed in it."""


class Tally:
    """Counts of one process. Used on the event loop only."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._counts: Counter[Key] = Counter()
        self._like: dict[Key, list[str]] = {}
        self._likes = 0
        self._flushing: asyncio.TimerHandle | None = None
        self._failed = False

    def count(self, key: Key) -> None:
        """Note one more. Raises LedgerUnavailable: what was counted before could not be queued, and still cannot."""
        self._prepare()
        self._counts[key] += 1

    def like(self, key: Key, digest: str) -> None:
        """Note one like it. Raises LedgerUnavailable: as `count`."""
        self._prepare()
        self._like.setdefault(key, []).append(digest)
        self._likes += 1

    def _prepare(self) -> None:
        if self._failed or len(self._counts) + self._likes >= MOST_KINDS:
            self.flush()
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(LINGER_S, self._flush_quietly)

    def flush(self) -> None:
        """Queue what was counted. Raises LedgerUnavailable: it stays counted, and nothing more passes until it can."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        self._failed = True
        for session in dict.fromkeys(session for session, _ in (*self._counts, *self._like)):
            self._flush(session)
        self._failed = False

    def _flush(self, session: str) -> None:
        again: dict[str, Json] = {digest: n for (of, digest), n in self._counts.items() if of == session}
        like: dict[str, Json] = {digest: " ".join(those) for (of, digest), those in self._like.items() if of == session}
        body: dict[str, Json] = {"session": session}
        if again:
            body["again"] = again
        if like:
            body["like"] = like
        self._journal.enqueue(Entry("reads", body))
        for digest in again:
            del self._counts[(session, digest)]
        for digest in like:
            self._likes -= len(self._like.pop((session, digest)))

    def _flush_quietly(self) -> None:
        with contextlib.suppress(LedgerUnavailable):  # `_failed`: whoever comes next is told
            self.flush()
