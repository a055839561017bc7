"""A database of a shop on PostgreSQL 15 and 18, and Yett's own connection to it: as superuser, and as CREATEROLE."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import psycopg
import pytest

from postgres import Server
from postgres_versions import VERSIONS, servers
from yett.providers.postgres import own as own_connection
from yett.providers.postgres.dump import Address
from yett.providers.postgres.own import Own
from yett.providers.postgres.role import LeaseRole

__all__ = ["Shop", "servers", "shop"]

T = TypeVar("T")

SHOP = """
CREATE SCHEMA shop AUTHORIZATION app; CREATE SCHEMA other AUTHORIZATION app;
SET ROLE app;
CREATE TABLE shop.users (id serial PRIMARY KEY, name text, email text UNIQUE, phone text);
CREATE TABLE shop.orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int REFERENCES shop.users,
  total int);
CREATE TABLE other.secrets (id int, value text);
INSERT INTO shop.users (name, email, phone) SELECT 'n' || i, 'e' || i || '@x', '0' || i FROM generate_series(1, 10) i;
INSERT INTO shop.orders (user_id, total) SELECT i, i * 10 FROM generate_series(1, 10) i;
INSERT INTO other.secrets VALUES (1, 's');
"""


@dataclass(frozen=True)
class Shop:
    """A database with the shop in it, and whom Yett is there."""

    server: Server
    version: int
    url: str
    own_role: str

    @property
    def database(self) -> str:
        return self.url.rpartition("/")[2]

    def admin(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)

    def owned(self, work: Callable[[Own], Awaitable[T]]) -> T:
        """Run something on Yett's own connection."""

        async def run() -> T:
            own = await own_connection.connect(Address.parse(self.url.replace("postgres@", f"{self.own_role}@")))
            async with own:
                return await work(own)

        return asyncio.run(run())

    def enter(self, role: LeaseRole, database: str = "") -> psycopg.Connection:
        """Log in as a lease, with its password."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.server.port,
            dbname=database or self.database,
            user=role.name,
            password=role.password.text(),
            autocommit=True,
            connect_timeout=10,
        )


@pytest.fixture(params=[(v, role) for v in VERSIONS for role in ("postgres", "keeper")], ids=lambda p: f"{p[0]}-{p[1]}")
def shop(request: pytest.FixtureRequest, servers: Callable[[int], Server]) -> Iterator[Shop]:
    version, role = request.param
    server = servers(version)
    url = server.database(holds=SHOP)
    made = Shop(server, version, url, role)
    with made.admin() as connection:
        connection.execute(f"ALTER DATABASE {made.database} OWNER TO keeper")
    yield made
    with psycopg.connect(f"{server.url}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {made.database} (FORCE)")
        roles = connection.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '^yett_'").fetchall()
        for (name,) in roles:
            connection.execute(f'DROP ROLE "{name}"')
