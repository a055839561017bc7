"""Fixtures of the PostgreSQL wire: a wire before each version of the server, with tables to lose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from gateway.postgres.wire import PLACEHOLDER, TableDesk, TableDoor, Wire
from postgres import Server
from yett.gateway.postgres.desk import Upstream

TABLES = """
CREATE TABLE t (id int PRIMARY KEY, name text);
INSERT INTO t SELECT n, 'name ' || n FROM generate_series(1, 10) n;
CREATE TABLE child (id int PRIMARY KEY, t int REFERENCES t DEFERRABLE INITIALLY DEFERRED);
"""


@dataclass
class Place:
    """A database behind a wire. `direct` is around it."""

    wire: Wire
    door: TableDoor
    port: int
    direct: str
    binaries: Path

    @property
    def desk(self) -> TableDesk:
        return self.door.desk

    @property
    def url(self) -> str:
        return f"postgresql://agent:{PLACEHOLDER}@127.0.0.1:{self.port}/{self.door.upstream.database}"

    def connect(self, *, autocommit: bool = True, **options: object) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url, autocommit=autocommit, **options)  # type: ignore[arg-type]

    def rows(self, query: str = "SELECT count(*) FROM t") -> list[tuple[object, ...]]:
        """What is really there."""
        with psycopg.connect(self.direct, autocommit=True) as connection:
            return connection.execute(query).fetchall()

    def count(self) -> int:
        return int(str(self.rows()[0][0]))


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.close()


@pytest.fixture
def place(each_postgres: Server, wire: Wire) -> Place:
    return placed(each_postgres, wire)


def placed(server: Server, wire: Wire) -> Place:
    url = server.emptied()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLES)
    door = TableDoor(upstream_of(server, url), TableDesk())
    return Place(wire, door, wire.listen(door), url, server.binaries)


def upstream_of(server: Server, url: str, user: str = "postgres", password: str = "", tls: str = "prefer") -> Upstream:
    return Upstream(("127.0.0.1", server.port), "127.0.0.1", tls, user, url.rpartition("/")[2], password)
