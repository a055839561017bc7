"""The databases that a person gave to Yett. Which one it is says its own id, asked of the server, never its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, delete, insert, select

from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.model.errors import YettError
from yett.model.resource import Environment, Resource, ResourceRef
from yett.store import tables

POSTGRES = "postgres"
DATABASE, TABLE = "database", "table"


@dataclass(frozen=True, slots=True)
class Database:
    """One database. `id` is "SYSTEM IDENTIFIER/OID"; `host` and `port` are how agents know it.

    `environment` is the name that a person gave with it; what that name means says the signed map alone. `secret` names
    Yett's own login in the vault. `scope` is what a lease on it may touch (providers/postgres/scope.py), as JSON.
    """

    name: str
    id: str
    host: str
    port: int
    dbname: str
    environment: str
    secret: str
    scope: Mapping[str, Json]

    @property
    def ref(self) -> ResourceRef:
        return ResourceRef(POSTGRES, DATABASE, self.id)

    @property
    def stands_in(self) -> Environment:
        """One environment a database: what is signed is this database's place."""
        return Environment(POSTGRES, self.id, self.environment)

    def table(self, oid: int) -> ResourceRef:
        """The reference of a relation by its oid; 0, what does not exist yet, is the database itself."""
        return ResourceRef(POSTGRES, TABLE, f"{self.id}/{oid}") if oid else self.ref

    def resource(self, name: str = "") -> Resource:
        """The database as a resource, without what only its server knows."""
        return Resource(self.ref, name or self.name, (self.stands_in,))

    def as_json(self) -> dict[str, Json]:
        """What is listed and logged: nothing of it is secret."""
        return {
            "name": self.name,
            "id": self.id,
            "host": self.host,
            "port": self.port,
            "dbname": self.dbname,
            "environment": self.environment,
            "scope": dict(self.scope),
        }


def read_all(connection: Connection) -> tuple[Database, ...]:
    """Every database, by name."""
    rows = connection.execute(select(tables.databases).order_by(tables.databases.c.name))
    return tuple(
        Database(
            row.name,
            row.id,
            row.host,
            row.port,
            row.dbname,
            row.environment,
            row.secret,
            cast("Mapping[str, Json]", row.scope),
        )
        for row in rows
    )


def write(tx: Transaction, database: Database, by: str, now: int) -> None:
    """Add it, or put it in the place of the one with its name."""
    known = tables.databases
    tx.execute(delete(known).where(known.c.name == database.name))
    values = {**database.as_json(), "provider": POSTGRES, "secret": database.secret}
    tx.execute(insert(known).values(**values, added_at=now, added_by=by))
    tx.append(Entry("database", {"event": "added", "by": by, **database.as_json()}))


def forget(tx: Transaction, name: str, by: str) -> None:
    """Raises YettError: there is none of that name."""
    known = tables.databases
    if tx.execute(delete(known).where(known.c.name == name)).rowcount != 1:
        raise YettError(f"there is no database {name}", "yett database list shows those there are")
    tx.append(Entry("database", {"event": "removed", "by": by, "name": name}))
