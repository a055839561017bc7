"""A DELETE of 300,000 rows, and of as many that go with them, through guard and keep, against the plain one.

What is timed is the DELETE that a person has approved: it runs, is measured, its rows leave into the keep (compressed,
encrypted, flushed, read back), the intent is durable, COMMIT. The server flushes, too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import psycopg
from bench.postgres.report import Report, line, median, ratio, seconds, table
from bench.postgres.servers import Peer
from bench.postgres.wire import directly

ROWS = 300_000
APPROVED_S = 20
MADE = f"""
CREATE TABLE people_kept AS SELECT n AS id, 'person' || n || '@example.com' AS email, 'Person ' || n AS name,
  repeat(md5(n::text), 2) AS note, now() - n * interval '1 minute' AS since FROM generate_series(1, {ROWS}) n;
CREATE TABLE people (LIKE people_kept); ALTER TABLE people ADD PRIMARY KEY (id);
CREATE TABLE visits_kept AS SELECT n AS id, n AS person, md5(n::text) AS page, now() AS at
  FROM generate_series(1, {ROWS}) n;
CREATE TABLE visits (LIKE visits_kept); ALTER TABLE visits ADD PRIMARY KEY (id);
CREATE INDEX ON visits (person);
ALTER TABLE visits ADD FOREIGN KEY (person) REFERENCES people ON DELETE CASCADE"""
FULL = (
    "TRUNCATE people, visits; INSERT INTO people SELECT * FROM people_kept",
    "INSERT INTO visits SELECT * FROM visits_kept",
    "VACUUM ANALYZE people, visits; CHECKPOINT",
)
DELETE = b"DELETE FROM people WHERE id > 0"


def make(direct: Peer) -> None:
    """Before the gate's lease is made: it is granted the tables that there are."""
    directly(direct, MADE)


def undo(report: Report, direct: Peer, gate: Peer, rounds: int) -> None:
    table(f"DELETE of {ROWS:,} rows, ms", ["direct", "yett", "ratio"])
    for what, cascades in (("one table", False), ("as many again by cascade", True)):
        plain, ours = [], []
        for _ in range(rounds):
            _fill(direct, cascades=cascades)
            with psycopg.connect(direct.url, autocommit=True) as connection:
                plain.append(seconds(lambda c=connection: c.execute(DELETE)) * 1000)  # type: ignore[misc]
            _fill(direct, cascades=cascades)
            ours.append(_approved(gate) * 1000)
        line(what, [f"{median(plain):,.0f}", f"{median(ours):,.0f}", f"{ratio(ours, plain):.2f}"])
        of = ratio(ours, plain)
        report.target(f"undo of a DELETE of {ROWS:,}, {what}", f"{of:.2f}x the plain one", "2.2x", reached=of <= 2.2)


def _fill(direct: Peer, *, cascades: bool) -> None:
    fill: Sequence[str] = FULL if cascades else (FULL[0], FULL[2])
    with psycopg.connect(direct.url, autocommit=True) as connection:
        for text in "; ".join(fill).split("; "):
            connection.execute(text.encode())


def _approved(gate: Peer) -> float:
    """Seconds of the DELETE that passed; the one before it is held, and a person approves."""
    until = time.monotonic() + APPROVED_S
    with psycopg.connect(gate.url, autocommit=True) as connection:
        while True:
            try:
                return seconds(lambda: connection.execute(DELETE))
            except psycopg.errors.InsufficientPrivilege:
                if time.monotonic() > until:
                    raise
                time.sleep(0.7)
