"""What is sent all day is not held: at most one statement in two hundred that has no reason of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import psycopg

from corpus.everyday import recorded, written
from corpus.ground import WORLD, Ground
from corpus.judge import Judge
from yett.operations.sql.catalog import Catalog
from yett.operations.sql.statement import Way

HELD_ON_PURPOSE = (
    "SET statement_timeout = 0",  # the wire sends the lease's own in its place
    "SET transaction_timeout = 0",
    "pg_user_mapping",  # a catalog with passwords in it
)
ONE_IN = 200


def test_everyday_statements_are_not_held(version: int, place: Callable[[int], tuple[Ground, Catalog]]) -> None:
    ground, catalog = place(version)
    counted: Counter[Way] = Counter()
    held: list[str] = []
    for family, statements in (*((family, [one]) for family, one in written()), *recorded(ground)):
        session = Judge(ground, catalog)
        for statement in statements:
            session.said.clear()
            session.unreadable = session.stale = False
            session(statement)
            counted[session.way] += 1
            if session.way not in (Way.PASS, Way.GUARD) and not any(part in statement for part in HELD_ON_PURPOSE):
                held.append(f"{session.way} {family}: {statement[:200]!r} {list(session.reasons)}")
    print(f"\nPostgreSQL {version}: {dict(counted)}, held without a reason: {len(held)}")
    assert sum(counted.values()) > 600, "the recording is not complete"
    assert len(held) * ONE_IN <= sum(counted.values()), "\n".join(held)


def test_what_is_written_down_is_sql_that_the_server_takes(
    version: int, place: Callable[[int], tuple[Ground, Catalog]]
) -> None:
    ground, _ = place(version)
    with psycopg.connect(ground.url("steward", WORLD), autocommit=True) as connection:
        for family, statement in written():
            connection.pgconn.exec_(b"ROLLBACK")
            prepared = connection.pgconn.prepare(b"", statement.encode())
            assert not prepared.error_message, f"{family}: {statement}: {prepared.error_message.decode()}"


def test_every_program_is_recorded(version: int, place: Callable[[int], tuple[Ground, Catalog]]) -> None:
    ground, _ = place(version)
    silent = [family for family, statements in recorded(ground) if not statements]
    asks_nothing = {"psql \\encoding", "psql \\conninfo"}
    assert set(silent) <= asks_nothing, silent
