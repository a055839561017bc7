"""What a transaction did, as measured inside it."""

from __future__ import annotations

from dataclasses import dataclass

from yett.model.errors import YettError


class Unguardable(YettError):
    """The transaction cannot be undone exactly: the caller rolls back. Says what, which tables, and what to do."""


@dataclass(frozen=True, slots=True)
class TableEffect:
    """Rows of one table (a partition by itself) that statements deleted, updated and inserted.

    These are the server's own counts of events: a row updated twice counts twice, and what a savepoint took back still
    counts, but for what `Guard.left` knows of. They are never too low.
    """

    oid: int
    schema: str
    name: str
    deleted: int
    updated: int
    inserted: int

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Effects:
    """All of one transaction.

    `rewritten`: relations under a lock that only DDL and rewrites take, other objects that were dropped or altered, and
    system catalogs that were written (`pg_catalog.pg_proc`). `xid` has 64 bits, 0 if none was assigned: then nothing
    was written. `gaps` are sentences: what was seen that no undo of rows brings back.
    """

    tables: tuple[TableEffect, ...]
    rewritten: tuple[str, ...]
    xid: int
    gaps: tuple[str, ...] = ()
