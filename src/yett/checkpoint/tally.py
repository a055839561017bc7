"""Reads that come thousands of times a second: each is counted before it leaves, and the counts are logged together.

The first pass of a read is an entry of its own (`record.read_entry`); what repeats it under the very same standing is
counted here, and within 50 ms "this read, so often" is queued for the log (law 2). What differs from it only in
what no decision rests on is noted beside it by its own digest, the first half of it: "like this read, these".
"""

from __future__ import annotations

import asyncio
import contextlib
from hashlib import sha256
from itertools import islice

from yett.ledger.journal import Entry, Journal
from yett.model.canonical import Json
from yett.model.errors import LedgerUnavailable

LINGER_S = 0.05
"""A flush takes a millisecond of the processor, beside the reads: 50 a second were a tenth of what a read costs."""
RETRY_S = 0.5
"""Where the log failed, and nobody asks meanwhile: what has passed is not to be forgotten."""
MOST_WAITING, PLACE_BYTES = 4_000, 256
"""Reads that are counted apart, and not queued yet: one of a long text takes a place more for each so many bytes."""
DIGITS = 32
"""Of a digest that is noted beside another: 128 bits. Nobody finds a second text for one; who makes two with the same
(2^64 tries) has made two reads alike."""

ROOM, AGAIN, BESIDE, LIKE = 60_000, 100, 70, DIGITS + 1
"""Bytes of an entry (of 65,000 it may have), of a read that came again in it, of one that others are like, of each."""

Key = tuple[str, str]
"""A session's id, and the digest of a read that passed in it."""


class Tally:
    """Counts of one process. Used on the event loop only."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._counts: dict[Key, int] = {}
        self._texts: dict[Key, list[bytes]] = {}
        self._like: dict[Key, list[str]] = {}
        self._flushing: asyncio.TimerHandle | None = None
        self._room = 0  # for how much more until it is flushed; 0, too, where no flush is to come, or the last failed

    def count(self, key: Key) -> None:
        """Note one more. Raises LedgerUnavailable: what was counted before could not be queued, and still cannot."""
        if self._room <= 0:
            self._prepare()
        before = self._counts.get(key)
        if before is None:
            before = 0
            self._room -= 1
        self._counts[key] = before + 1

    def like(self, key: Key, text: bytes) -> None:
        """Note one like it, by its text's digest. Raises LedgerUnavailable: as `count`."""
        if self._room <= 0:
            self._prepare()
        self._room -= 1 + len(text) // PLACE_BYTES
        some = self._texts.get(key)
        if some is None:
            self._texts[key] = [text]
        else:
            some.append(text)

    def _prepare(self) -> None:
        if self._flushing is not None:
            self.flush()
        self._flush_in(LINGER_S)
        self._room = MOST_WAITING

    def flush(self) -> None:
        """Queue what was counted. Raises LedgerUnavailable: it stays counted, and nothing more passes until it can."""
        self._room = 0
        self._flush_in(RETRY_S)
        self._flush_all()
        self._flush_in(None)

    def _flush_in(self, seconds: float | None) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
        loop = asyncio.get_running_loop()
        self._flushing = None if seconds is None else loop.call_later(seconds, self._flush_quietly)

    def _flush_all(self) -> None:
        for key, texts in self._texts.items():
            self._like.setdefault(key, []).extend(sha256(text).hexdigest()[:DIGITS] for text in texts)
        self._texts.clear()
        for session in dict.fromkeys(session for session, _ in (*self._counts, *self._like)):
            while some := self._some(session):
                self._flush(session, *some)

    def _some(self, session: str) -> tuple[dict[str, int], dict[str, list[str]]] | None:
        """As much of a session as one entry holds: how often again, and what else was like it."""
        repeated = ((digest, n) for (of, digest), n in self._counts.items() if of == session)
        again = dict(islice(repeated, ROOM // AGAIN))
        like: dict[str, list[str]] = {}
        room = ROOM - AGAIN * len(again)
        for (of, digest), those in self._like.items():
            fit = (room - BESIDE) // LIKE
            if of == session and fit > 0:
                like[digest] = those[:fit]
                room -= BESIDE + LIKE * len(like[digest])
        return (again, like) if again or like else None

    def _flush(self, session: str, again: dict[str, int], like: dict[str, list[str]]) -> None:
        body: dict[str, Json] = {"session": session}
        if again:
            body["again"] = dict(again)
        if like:
            body["like"] = {digest: " ".join(those) for digest, those in like.items()}
        self._journal.enqueue(Entry("reads", body))
        for digest in again:
            del self._counts[session, digest]
        for digest, those in like.items():
            left = self._like.pop((session, digest))[len(those) :]
            if left:
                self._like[session, digest] = left

    def _flush_quietly(self) -> None:
        with contextlib.suppress(LedgerUnavailable):  # no room is left: whoever comes next is told
            self.flush()
