"""Bring a store's schema to this version's, forward only, in one transaction."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from dataclasses import dataclass

from sqlalchemy import Connection, insert, inspect

from yett.model.errors import ConfigurationError
from yett.store import migrations
from yett.store.tables import schema_version

_FILE = re.compile(r"m(\d{4})_([a-z0-9_]+)")
_VERSIONS = "CREATE TABLE schema_version (version {integer} PRIMARY KEY NOT NULL, name TEXT NOT NULL, applied_at {at})"
# STRICT makes SQLite refuse a value of another type, as PostgreSQL does by itself.
_WORDS = {
    "sqlite": {
        "integer": "INTEGER",
        "at": "INTEGER NOT NULL",
        "bytes": "BLOB",
        "boolean": "INTEGER",
        "table_end": "STRICT",
    },
    "postgresql": {
        "integer": "BIGINT",
        "at": "BIGINT NOT NULL",
        "bytes": "BYTEA",
        "boolean": "BOOLEAN",
        "table_end": "",
    },
}


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered file of `yett.store.migrations`."""

    version: int
    name: str
    statements: tuple[str, ...]


def steps() -> tuple[Step, ...]:
    """Every migration in order. Their numbers are 1, 2, 3, ... without a gap."""
    found = []
    for module in pkgutil.iter_modules(migrations.__path__):
        if match := _FILE.fullmatch(module.name):
            loaded = importlib.import_module(f"{migrations.__name__}.{module.name}")
            found.append(Step(int(match[1]), match[2], tuple(loaded.STATEMENTS)))
    found.sort(key=lambda step: step.version)
    if [step.version for step in found] != list(range(1, len(found) + 1)):
        raise ConfigurationError("The store's migrations are not numbered 1, 2, 3, ...", "Reinstall Yett.")
    return tuple(found)


def pending(connection: Connection, known: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps that this store has not taken.

    Raises:
        ConfigurationError: the store has taken a step that this version does not know.
    """
    done = _version(connection)
    if done > len(known):
        raise ConfigurationError(
            f"The store has schema {done}, made by a newer Yett; this version knows {len(known)}.",
            "Upgrade Yett, or point YETT_HOME at another store.",
        )
    return known[done:]


def migrate(connection: Connection, todo: tuple[Step, ...]) -> None:
    """Take the steps. The caller's transaction makes it all or nothing."""
    words = _WORDS[connection.dialect.name]
    if _version(connection) == 0 and todo:
        connection.exec_driver_sql(_VERSIONS.format(**words))
    for step in todo:
        for statement in step.statements:
            connection.exec_driver_sql(statement.format(**words))
        taken = {"version": step.version, "name": step.name, "applied_at": time.time_ns()}
        connection.execute(insert(schema_version), taken)


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table("schema_version"):
        return 0
    return int(connection.exec_driver_sql("SELECT max(version) FROM schema_version").scalar_one() or 0)
