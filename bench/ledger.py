"""What the ledger costs: appends against raw SQLite inserts, group commit, proofs, re-verification. Prints one table.

    python bench/ledger.py [--entries 1000000] [--rounds 7]

Ratios are paired: each round measures both sides, one after the other, on the same file system; the median counts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yett.ledger.entries import encode, stamp
from yett.ledger.export import export
from yett.ledger.journal import Entry, Journal
from yett.ledger.notes import Signer
from yett.ledger.proofs import consistency_proof, inclusion_proof
from yett.ledger.verify import verify_directory
from yett.ledger.writer import Job, Line, Writer
from yett.store import Store, open_store

Row = tuple[str, str, str]
BODY = {"operation": "railway:volumeDelete", "digest": "d" * 64, "session": "s" * 32, "preview": "x" * 300}
ENTRY = Entry("read", BODY)  # about 500 bytes
BATCHES = 20


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--entries", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=7)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="yett-bench-") as folder:
        rows = [*appends(Path(folder), given.rounds), *group_commit(Path(folder)), *proofs(Path(folder), given.entries)]
    rows.insert(0, ("", "measured", "target"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def appends(folder: Path, rounds: int) -> Iterator[Row]:
    """WAL and synchronous=FULL on both sides, the same bytes in the same batches."""
    store, signer = fresh(folder / "appends.db")
    writer = Writer(store, signer, time.time_ns)
    writer.open()
    raw = raw_inserter(folder / "raw.db")
    for batch in (256, 1024):
        yield from appends_of(batch, rounds, raw, writer)
    store.close()


def appends_of(batch: int, rounds: int, raw: Callable[[Sequence[bytes]], None], writer: Writer) -> Iterator[Row]:
    data = [stamp(encode(ENTRY), time.time_ns())] * batch
    lines = [Line(encode(ENTRY), 0.0)] * batch

    def encoded() -> None:
        raw([stamp(encode(ENTRY), time.time_ns()) for _ in range(batch)])

    sides: list[tuple[str, str, Callable[[], object], Callable[[], object]]] = [
        ("entries", "0.60x", lambda: raw(data), lambda: writer.write(lines)),
        (
            "entries and their encoding",
            "",
            encoded,
            lambda: writer.write([Line(encode(ENTRY), 0.0) for _ in range(batch)]),
        ),
        ("work, each with its encoded entry", "", encoded, lambda: jobs(writer, batch)),
    ]
    for name, target, floor, ours in sides:
        yield compare(f"{name}, batch {batch}", target, batch, rounds, floor, ours)


def jobs(writer: Writer, count: int) -> None:
    writer.write([Job(lambda transaction: transaction.append(ENTRY), Future()) for _ in range(count)])


def compare(
    name: str, target: str, batch: int, rounds: int, raw: Callable[[], object], ours: Callable[[], object]
) -> Row:
    ratios, rates = [], []
    for _ in range(rounds):
        floor, mine = timed(raw), timed(ours)
        ratios.append(floor / mine)
        rates.append(batch * BATCHES / mine / 1000)
    return (
        f"{name}, against raw SQLite",
        f"{statistics.median(ratios):.2f}x ({statistics.median(rates):.0f} k/s)",
        target,
    )


def timed(act: Callable[[], object]) -> float:
    begin = time.perf_counter()
    for _ in range(BATCHES):
        act()
    return time.perf_counter() - begin


def raw_inserter(path: Path) -> Callable[[Sequence[bytes]], None]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-16384")
    connection.execute("CREATE TABLE entry (idx INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT")
    size = 0

    def insert(data: Sequence[bytes]) -> None:
        nonlocal size
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO entry VALUES (?, ?)", enumerate(data, size))
        connection.execute("COMMIT")
        size += len(data)

    return insert


def group_commit(folder: Path) -> Iterator[Row]:
    """Sixteen callers in one event loop, each waiting for its own entry to be durable before the next."""
    sync = fdatasync_ms(folder / "sync")
    yield "this disk's fdatasync, p50", f"{sync:.2f} ms", ""
    for callers in (1, 16):
        store, signer = fresh(folder / f"group-{callers}.db")
        journal = Journal(store, signer)
        waits, seconds = asyncio.run(call(journal, callers, 3.0))
        journal.close()
        store.close()
        target = ("", "5000/s")[callers == 16]
        p50, p99 = percentile(waits, 50) * 1000, percentile(waits, 99) * 1000
        yield (
            f"durable commits, {callers} callers",
            f"{len(waits) / seconds:.0f}/s, p50 {p50:.2f} p99 {p99:.2f} ms",
            target,
        )


async def call(journal: Journal, callers: int, seconds: float) -> tuple[list[float], float]:
    waits: list[float] = []
    end = time.perf_counter() + seconds

    async def caller() -> None:
        while (begin := time.perf_counter()) < end:
            await journal.run(lambda transaction: transaction.append(ENTRY))
            waits.append(time.perf_counter() - begin)

    await asyncio.gather(*(caller() for _ in range(callers)))
    return waits, seconds


def fdatasync_ms(path: Path) -> float:
    times = []
    with path.open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(b"x" * 4096)
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


def proofs(folder: Path, size: int) -> Iterator[Row]:
    store, signer = fresh(folder / "proofs.db")
    writer = Writer(store, signer, time.time_ns)
    writer.open()
    lines = [Line(encode(Entry("read", {**BODY, "preview": ""})), 0.0)] * 10_000
    for _ in range(size // len(lines)):
        writer.write(lines)
    writer.write(lines[: size % len(lines) + 137])  # off any boundary
    writer.write([])
    size, chance = writer.durable.size, random.Random(7)
    for name, prove in (("inclusion", inclusion_proof), ("consistency", consistency_proof)):
        times = []
        for _ in range(1000):
            at = chance.randrange(size)
            begin = time.perf_counter()
            store.read(lambda connection, at=at, prove=prove: prove(connection, at, size))
            times.append(time.perf_counter() - begin)
        p50, p99 = percentile(times, 50) * 1000, percentile(times, 99) * 1000
        yield f"{name} proof, {size} entries", f"p50 {p50:.2f} p99 {p99:.2f} ms", "p99 5 ms"
    begin = time.perf_counter()
    Writer(store, signer, time.time_ns).open()
    yield "reopen", f"{(time.perf_counter() - begin) * 1000:.1f} ms", ""
    begin = time.perf_counter()
    export(store, folder / "export")
    yield "export", f"{size / (time.perf_counter() - begin) / 1000:.0f} k/s", ""
    begin = time.perf_counter()
    report = verify_directory(folder / "export", str(signer.verifier))
    assert not report.problems, report.problems
    yield "full re-verification", f"{size / (time.perf_counter() - begin) / 1000:.0f} k/s", "500 k/s"
    store.close()


def percentile(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def fresh(path: Path) -> tuple[Store, Signer]:
    return open_store(f"sqlite:///{path}"), Signer("bench/log", Ed25519PrivateKey.generate())


if __name__ == "__main__":
    main()
