"""Reads that repeat are counted before they leave and logged together; where the log fails, nothing more passes."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import pytest

from yett.checkpoint import tally
from yett.checkpoint.tally import Tally
from yett.ledger.entries import encode
from yett.ledger.journal import Entry
from yett.model.errors import LedgerUnavailable


def half(text: bytes) -> str:
    return sha256(text).hexdigest()[:32]


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
        for n in range(1_201):
            counter.count(("s", f"d{n}"))
        counter.flush()
        return log

    assert [len(entry.body["again"]) for entry in asyncio.run(reads()).entries] == [600, 600, 1]


@pytest.mark.parametrize(("again", "beside", "like"), [(4_000, 0, 0), (0, 4_000, 1), (0, 1, 4_000), (300, 100, 15)])
def test_the_longest_entries_can_be_logged(again: int, beside: int, like: int) -> None:
    async def reads() -> Log:
        log = Log()
        counter = Tally(log)  # type: ignore[arg-type]
        for n in range(again):
            counter._counts["s-" + "0" * 26, f"{n:064}"] = 10**10
        for n in range(beside):
            for m in range(like):
                counter.like(("s-" + "0" * 26, f"{n:064}"), b"%d" % m)
        counter.flush()
        return log

    sizes = [len(encode(entry)) for entry in asyncio.run(reads()).entries]
    assert sizes[0] > 45_000


def test_what_is_like_a_read_is_noted_beside_it_by_its_own_digest() -> None:
    async def reads() -> Log:
        log = Log()
        counter = Tally(log)  # type: ignore[arg-type]
        counter.count(("s-1", "d"))
        counter.like(("s-1", "d"), b"e")
        counter.like(("s-1", "d"), b"f")
        counter.like(("s-2", "g"), b"h")
        await asyncio.sleep(tally.LINGER_S * 5)
        counter.like(("s-2", "g"), b"i")
        counter.flush()
        return log

    assert [entry.body for entry in asyncio.run(reads()).entries] == [
        {"session": "s-1", "again": {"d": 1}, "like": {"d": f"{half(b'e')} {half(b'f')}"}},
        {"session": "s-2", "like": {"g": half(b"h")}},
        {"session": "s-2", "like": {"g": half(b"i")}},
    ]


def test_likes_make_no_endless_entry_and_none_is_lost_where_the_log_fails() -> None:
    async def reads() -> Log:
        log = Log()
        counter = Tally(log)  # type: ignore[arg-type]
        for n in range(tally.MOST_WAITING):
            counter.like(("s", "d"), b"%d" % n)
        log.broken = True
        with pytest.raises(LedgerUnavailable):
            counter.like(("s", "d"), b"lost")
        log.broken = False
        for n in range(tally.MOST_WAITING, tally.MOST_WAITING + 451):
            counter.like(("s", "d"), b"%d" % n)
        counter.flush()
        return log

    entries = asyncio.run(reads()).entries
    noted = [str(entry.body["like"]["d"]).split() for entry in entries]
    assert [len(one) for one in noted] == [1816, 1816, 368, 451]
    assert [digest for one in noted for digest in one] == [half(b"%d" % n) for n in range(4451)]


def test_long_texts_do_not_wait_in_thousands() -> None:
    async def reads() -> Log:
        log = Log()
        counter = Tally(log)  # type: ignore[arg-type]
        for n in range(10):
            counter.like(("s", "d"), b"%d" % n + b" " * 200_000)
        return log

    assert len(asyncio.run(reads()).entries) == 1


def test_what_passed_reaches_the_log_when_it_is_back_though_nobody_reads_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tally, "RETRY_S", 0.02)

    async def reads() -> Log:
        log = Log()
        log.broken = True
        counter = Tally(log)  # type: ignore[arg-type]
        counter.count(("s", "d"))
        counter.like(("s", "d"), b"e")
        with pytest.raises(LedgerUnavailable):
            counter.flush()
        with pytest.raises(LedgerUnavailable):
            counter.count(("s", "d"))
        await asyncio.sleep(0.1)
        log.broken = False
        await asyncio.sleep(0.1)
        return log

    assert [entry.body for entry in asyncio.run(reads()).entries] == [
        {"session": "s", "again": {"d": 1}, "like": {"d": half(b"e")}}
    ]
