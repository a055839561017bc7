"""What a decision costs without a wire: a text that was seen, one that differs in a number, one that is new; catalog,
lease, masking. Beside it sqlglot on the same texts, and libpg_query's parser alone.
"""

from __future__ import annotations

import asyncio
import struct
import time
import timeit
from collections.abc import Callable
from pathlib import Path

import psycopg
from bench.postgres.gate import Opened, opened
from bench.postgres.report import Report, line, median, seconds, table
from bench.postgres.servers import Peer

from yett.gateway.databases.desk import StatementDesk
from yett.gateway.postgres.catalog import LiveCatalog, load
from yett.gateway.postgres.masks.masked_answers import MaskedAnswers, Touch
from yett.gateway.postgres.masks.masking import Masks
from yett.lab.saas import SCHEMA
from yett.operations.sql.cache import Cache
from yett.operations.sql.catalog import Catalog
from yett.operations.sql.classify import classify
from yett.operations.sql.grammar import grammar

STATEMENTS = tuple(
    " ".join(text.split()).removesuffix(";").encode()
    for text in Path(__file__).with_name("statements.sql").read_text().split("\n\n")[1:]
)
US = 1e6
LEASES = 20
MASKED_MB = 20
TABLE = 20_000


def deciding(report: Report, direct: Peer, folder: Path, rounds: int) -> None:
    with psycopg.connect(direct.url) as connection:
        connection.execute(SCHEMA.encode())
    url = f"postgresql://postgres@127.0.0.1:{direct.port}/bench"
    asyncio.run(_deciding(report, folder / "deciding", url, rounds))
    _masking(report, rounds)


async def _deciding(report: Report, home: Path, url: str, rounds: int) -> None:
    made = await opened(home, url)
    try:
        await _catalog(made, rounds)
        catalog = await _snapshot(made)
        _classification(report, catalog, rounds)
        await _desk(report, made, rounds)
        await _leases(report, made)
    finally:
        await made.seat.close()
        await made.plane.close()


async def _snapshot(made: Opened) -> Catalog:
    own = await made.plane.databases.connect(made.seat.database)
    try:
        return await load(own, schemas=("public",))
    finally:
        await own.close()


def _classification(report: Report, catalog: Catalog, rounds: int) -> None:
    """Every text for the first time, against a catalog that others were read against before."""
    for text in STATEMENTS:
        classify(text, catalog, {})
    ours, floor, theirs = [], [], []
    for text in STATEMENTS:
        ours.append(_us(lambda sql=text: classify(sql, catalog, {}), rounds, 50))  # type: ignore[misc]
        floor.append(_us(lambda sql=text: grammar().parse(sql), rounds, 50))  # type: ignore[misc]
        theirs.append(_sqlglot(text))
    length = sum(map(len, STATEMENTS)) // len(STATEMENTS)
    table(f"{len(STATEMENTS)} statements of {length} bytes, us of the processor", ["median", "worst"])
    names = ("yett, classified in full", "libpg_query, parsed only", "sqlglot, parsed only")
    for name, some in zip(names, (ours, floor, theirs), strict=True):
        line(name, [f"{median(some):.0f}", f"{max(some):.0f}"])
    seen, worst = median(ours), max(ours)
    report.target("full classification, 200 B", f"{seen:.0f} us, worst {worst:.0f}", "150 us", reached=seen < 150)
    known = Cache().view(catalog)
    for text in STATEMENTS:
        known.classify(text, {})
    exact = timeit.repeat(
        "get(sql)",
        timer=time.thread_time,
        globals={"get": known.get, "sql": STATEMENTS[0]},
        number=100_000,
        repeat=rounds,
    )
    cost = min(exact) / 100_000 * US
    report.target("exact text, seen before", f"{cost:.3f} us", "0.1 us", reached=cost < 0.1)


def _sqlglot(text: bytes) -> float:
    import sqlglot

    return _us(lambda: sqlglot.parse(text.decode(), dialect="postgres"), 3, 3)


async def _desk(report: Report, made: Opened, rounds: int) -> None:
    """The same with all that a statement passes: catalog's age, policy's standing, secrets, tally, ledger."""
    _, desk = await made.seat.open("agent", "bench")
    assert isinstance(desk, StatementDesk)
    text = "SELECT name FROM users WHERE id = {}"
    took: dict[str, list[float]] = {"the same text": [], "another number": [], "a new text": []}
    number = 0
    for _ in range(rounds):
        look = await desk.look(text.format(0).encode(), {})
        await desk.read(look)
        desk.read_now(text.format(1).encode())
        calls: dict[str, Callable[[bytes], object]] = {
            "the same text": lambda sql, same=look.sql: desk.passes_now(same),  # type: ignore[misc]
            "another number": desk.alike_now,
            "a new text": desk.read_now,
        }
        for name, call in calls.items():
            await desk.look(text.format(0).encode(), {})  # the catalog is young again, and the second's first read made
            desk.read_now(text.format(1).encode())
            texts = [text.format(number := number + 2).encode() for _ in range(100)]
            took[name].append(seconds(lambda c=call, t=texts: [c(sql) for sql in t]) / 100 * US)  # type: ignore[misc]
        await asyncio.sleep(0.05)
    table("a proven read through the desk, us", list(took))
    line("point select", [f"{median(some):.1f}" for some in took.values()])


async def _catalog(made: Opened, rounds: int) -> None:
    """Nothing was committed since; something was, elsewhere; all of it for the first time."""
    database, databases = made.seat.database, made.plane.databases
    first, still, moved = [], [], []
    for _ in range(min(rounds, 3)):
        live = LiveCatalog(lambda: databases.connect(database), schemas=("public",))
        first.append(await _timed(live))
        still.append(await _timed(live))
        own = await databases.connect(database)
        await own.execute("INSERT INTO public.cars (plate, seats) VALUES ('K-0', 2)")
        await own.close()
        moved.append(await _timed(live))
        await live.close()
    table("the catalog, ms", ["read whole", "looked at, nothing committed", "looked at, something committed"])
    line("lab's schema", [f"{median(some) * 1000:.1f}" for some in (first, still, moved)])


async def _timed(live: LiveCatalog) -> float:
    live.defined()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await live.now()
    return loop.time() - began


async def _leases(report: Report, made: Opened) -> None:
    """The whole way: a connection, the role with its grants, the ledger; and to its end."""
    databases, database, loop = made.plane.databases, made.seat.database, asyncio.get_running_loop()
    lent, ended = [], []
    for _ in range(LEASES):
        began = loop.time()
        role = await databases.lease(made.session, database)
        lent.append((loop.time() - began) * 1000)
        began = loop.time()
        await databases.end_lease(made.session, database, role)
        ended.append((loop.time() - began) * 1000)
    table("a lease, ms", ["made", "ended"])
    line("median", [f"{median(lent):.1f}", f"{median(ended):.1f}"])
    report.target("a lease made", f"{median(lent):.1f} ms", "20 ms", reached=median(lent) < 20)


def _masking(report: Report, rounds: int) -> None:
    """One of five columns hidden, rows of 150 bytes, in pieces as they come from a socket."""
    columns = b"".join(b"c%d\0" % n + struct.pack(">IhIhiH", TABLE, n, 25, -1, -1, 0) for n in range(1, 6))
    description = _message(b"T", struct.pack(">H", 5) + columns)
    value = struct.pack(">i", 25) + b"x" * 25
    row = _message(b"D", struct.pack(">H", 5) + value * 5)
    whole = row * (MASKED_MB * 1_000_000 // len(row))
    pieces = [whole[at : at + 65536] for at in range(0, len(whole), 65536)]
    rates = []
    for _ in range(rounds):
        answers = MaskedAnswers(Masks({TABLE: frozenset({2})}), lambda sql: Touch.MASKED)
        answers.sent(_message(b"Q", b"SELECT * FROM t\0"))
        answers.feed(description)
        began = time.thread_time()
        for piece in pieces:
            answers.feed(piece)
        rates.append(len(whole) / 1e6 / (time.thread_time() - began))
    table("masking, MB a second of the processor", ["1 of 5 columns"])
    line("rows of 150 bytes", [f"{median(rates):.0f}"])
    report.target("masking", f"{median(rates):.0f} MB/s", "60 MB/s", reached=median(rates) >= 60)


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


def _us(work: Callable[[], object], rounds: int, number: int) -> float:
    """Of the processor's time: whoever else runs counts little."""
    return median(timeit.repeat(work, timer=time.thread_time, number=number, repeat=rounds)) / number * US
