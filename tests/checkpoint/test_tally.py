"""Reads that repeat are counted before they leave and logged together; where the log fails, nothing more passes."""

from __future__ import annotations

import asyncio

import pytest

from yett.checkpoint import tally
from yett.checkpoint.tally import Tally
from yett.ledger.journal import Entry
from yett.model.errors import LedgerUnavailable


class Log:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.broken = False

    def enqueue(self, entry: Entry) -> None:
        if self.broken:
            raise LedgerUnavailable("the log's queue is full")
        self.entries.append(entry)


def test_every_read_is_in_the_log_within_milliseconds() -> None:
    async def reads() -> Log:
        log = Log()
        counter = Tally(log)  # type: ignore[arg-type]
        for n in range(1000):
            counter.count(("s-1" if n % 2 else "s-2", f"d{n % 3}"))
        await asyncio.sleep(tally.LINGER_S * 5)
        return log

    entries = asyncio.run(reads()).entries
    assert sum(sum(entry.body["again"].values()) for entry in entries) == 1000
    assert {entry.body["session"] for entry in entries} == {"s-1", "s-2"}
    assert len(entries) == 2


def test_where_the_log_fails_nothing_more_passes_and_nothing_counted_is_lost() -> None:
    async def reads() -> None:
        log = Log()
        counter = Tally(log)  # type: ignore[arg-type]
        counter.count(("s", "d"))
        log.broken = True
        await asyncio.sleep(tally.LINGER_S * 5)
        with pytest.raises(LedgerUnavailable):
            counter.count(("s", "d"))
        log.broken = False
        counter.count(("s", "d"))
        counter.flush()
        assert sum(entry.body["again"]["d"] for entry in log.entries) == 2

    asyncio.run(reads())


def test_many_different_reads_do_not_make_one_endless_entry() -> None:
    async def reads() -> Log:
        log = Log()
        counter = Tally(log)  # type: ignore[arg-type]
        for n in range(tally.MOST_KINDS * 2 + 1):
            counter.count(("s", f"d{n}"))
        counter.flush()
        return log

    assert [len(entry.body["again"]) for entry in asyncio.run(reads()).entries] == [500, 500, 1]
