"""Real catalogs: one database of everyday objects and planted traps, on every PostgreSQL that is here."""

from __future__ import annotations

import glob
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

import postgres as servers
from yett.operations.sql import queries, snapshot
from yett.operations.sql.classify import classify
from yett.operations.sql.snapshot import Snapshot
from yett.operations.sql.statement import Statement

SCHEMA = (Path(__file__).parent / "schema.sql").read_text()
OLD = sorted(glob.glob("/usr/lib/postgresql/1[4-7]/bin"))

Classify = Callable[..., tuple[Statement, ...]]


@pytest.fixture(scope="session", params=["new", *OLD])
def server(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    """The wheel's PostgreSQL, then each older one of the system."""
    if request.param == "new":
        yield request.getfixturevalue("postgres")
        return
    patch = pytest.MonkeyPatch()
    patch.setattr(servers, "_binaries", lambda: Path(request.param))
    running = servers.postgres._get_wrapped_function()()
    try:
        yield next(running)
    finally:
        patch.undo()
        for _ in running:
            pass


@pytest.fixture(scope="session")
def database(server: servers.Server) -> str:
    """The URL of a database with `schema.sql` in it."""
    url = server.database()
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


@pytest.fixture(autouse=True)
def _only_main_thread_parses() -> None:
    assert threading.current_thread() is threading.main_thread()
