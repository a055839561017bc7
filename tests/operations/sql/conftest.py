"""Real catalogs: one database of everyday objects and planted traps, on each PostgreSQL that is here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pytest

from postgres import Server
from yett.operations.sql import queries, snapshot
from yett.operations.sql.classify import classify
from yett.operations.sql.snapshot import Snapshot
from yett.operations.sql.statement import Statement

SCHEMA = (Path(__file__).parent / "schema.sql").read_text()

Classify = Callable[..., tuple[Statement, ...]]


@pytest.fixture(scope="session")
def database(each_postgres: Server) -> str:
    """The URL of a database with `schema.sql` in it."""
    url = each_postgres.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SCHEMA)
    return url


@pytest.fixture(scope="session")
def catalog(database: str) -> Snapshot:
    return load(database)


def load(url: str, path: Sequence[str] = ("public",), longest_ms: int = 60_000) -> Snapshot:
    with psycopg.connect(url) as connection:
        connection.execute("SET LOCAL search_path = ''")
        rows = {name: connection.execute(query).fetchall() for name, query in queries.QUERIES.items()}
    return snapshot.from_rows(rows, version=0, search_path=path, longest_ms=longest_ms)


@pytest.fixture(scope="session")
def one(catalog: Snapshot) -> Callable[[str], Statement]:
    """Classify a text that is one statement."""

    def of(sql: str) -> Statement:
        (statement,) = classify(sql.encode(), catalog, {})
        return statement

    return of
