"""What a server holds, before and after: read by a superuser who knows nothing of any classifier.

A `State` is a flat map of facts, (area, key) to a fingerprint or a readable value. Nothing is left out because a
statement is said to be harmless; what is left out is named here: figures that the server keeps for its planner and for freezing
(`_MOVING`), the namespaces that a first temporary table leaves behind, and how a backend happens to be running.

Areas: rows, catalog, shared, sequence, large object, neighbour, statistics, slot, prepared transaction, configuration,
file. `wal` adds what is written for other readers of the log than recovery.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg

Fact = tuple[str, str]
State = Mapping[Fact, str]
Connection = psycopg.Connection[Any]

_MOVING = (
    "relpages",
    "reltuples",
    "relallvisible",
    "relallfrozen",
    "relfrozenxid",
    "relminmxid",
    "datfrozenxid",
    "datminmxid",
)
_LARGE_OBJECTS = {"pg_largeobject", "pg_largeobject_metadata"}
# Rows that initdb made are known by place and writer: no transaction can change one without a new version of it.
_SUM = "(count(*), sum(hashtid(ctid)::int8 # (xmin::text::int8 << 20)))::text"
_VERSIONS = f"SELECT '{{table}}', {_SUM} FROM pg_catalog.{{table}}"
_OF_INITDB = f"SELECT '{{area}}', '{{name}} of initdb', {_SUM}"
_MADE_LATER = "SELECT '{area}', '{name} ' || {label}, (to_jsonb(t) - '{moving}'::text[])::text"

_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384 AND c.relpersistence <> 't' AND c.relispopulated
ORDER BY 1"""
_SEQUENCES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' ORDER BY 1"""
_ROWS = """
SELECT 'rows', {literal}, count(*) || ' rows ' || coalesce(md5(string_agg(h, '' ORDER BY h)), '')
FROM (SELECT md5(record_send(t)) COLLATE "C" AS h FROM ONLY {table} t) hashed"""
_SEQUENCE = "SELECT 'sequence', {literal}, last_value || ' ' || is_called FROM {table}"

_CLUSTER = {
    "slot": "SELECT slot_name::text, (slot_type, plugin, database, restart_lsn)::text FROM pg_replication_slots",
    "prepared transaction": "SELECT gid, (owner, database)::text FROM pg_prepared_xacts",
    "configuration": (
        "SELECT name, concat_ws(' ', setting, pending_restart) FROM pg_settings"
        " WHERE source NOT IN ('session', 'client', 'override') AND name NOT LIKE 'transaction%'"
    ),
    "statistics": (
        "SELECT 'database ' || datname, stats_reset::text FROM pg_stat_database WHERE datname = 'postgres'"
        " UNION ALL SELECT 'bgwriter', stats_reset::text FROM pg_stat_bgwriter"
        " UNION ALL SELECT 'wal', stats_reset::text FROM pg_stat_wal"
        " UNION ALL SELECT 'archiver', stats_reset::text FROM pg_stat_archiver"
        " UNION ALL SELECT 'slru ' || name, stats_reset::text FROM pg_stat_slru"
    ),
}

_REMEMBERED = 1000
_OURS = ('prefix "oracle"', 'prefix "yett"')
_TELLING = ("SWITCH", "RESTORE_POINT", "BACKUP_END", "CHECKPOINT", "MESSAGE")
# Everything below base and global is what the queries see; the rest of these changes by itself.
_UNWATCHED = {
    *("base", "global", "pg_wal", "pg_xact", "pg_subtrans", "pg_multixact", "pg_logical", "pg_notify", "pg_stat"),
    *("pg_stat_tmp", "pg_dynshmem", "pg_serial", "pg_commit_ts", "postmaster.pid", "postmaster.opts"),
}


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One fact that is not what it was. `before` or `after` is "" where there is none."""

    area: str
    key: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.area}: {self.key}: {_short(self.before)} -> {_short(self.after)}"


def differences(before: State, after: State) -> list[Difference]:
    """What is not the same, sorted."""
    changed = {fact for fact in before.keys() | after.keys() if before.get(fact) != after.get(fact)}
    return sorted(Difference(*fact, before.get(fact, ""), after.get(fact, "")) for fact in changed)


class Eye:
    """Reads the databases and the cluster of one server.

    A catalog is read row by row only if a row of it has another version than at the last look: MVCC leaves no other way
    to change one, except for the figures of `_MOVING`. Rows that initdb made (before `first_xid`) are known by place
    and writer only.
    """

    def __init__(self, first_xid: int) -> None:
        self.first_xid = first_xid
        self._known: dict[tuple[str, str, int], dict[Fact, str]] = {}

    def database(self, connection: Connection) -> State:
        """One database: the rows of every table, every row of its catalogs, sequences, large objects."""
        found = self._catalogs(connection, shared=False)
        tables = [name for (name,) in connection.execute(_TABLES)]
        found |= _facts(connection, _each(_ROWS, tables))
        found |= _facts(connection, _each(_SEQUENCE, [name for (name,) in connection.execute(_SEQUENCES)]))
        reset = connection.execute("SELECT stats_reset::text FROM pg_stat_database WHERE datname = current_database()")
        return found | {("statistics", "this database"): str(reset.fetchall())}

    def cluster(self, connection: Connection, neighbour: Connection | None, folders: tuple[Path, ...]) -> State:
        """What databases share: roles, databases, slots, configuration, the server's files, the database next door."""
        found = self._catalogs(connection, shared=True)
        for area, asked in _CLUSTER.items():
            found |= {(area, key): value or "" for key, value in connection.execute(asked)}  # type: ignore[call-overload]
        found["configuration", "loaded"] = str(connection.execute("SELECT pg_conf_load_time()").fetchall())
        return found | _files(folders) | (_neighbour(neighbour) if neighbour else {})

    def _catalogs(self, connection: Connection, shared: bool) -> dict[Fact, str]:
        names = _catalogs(connection.info.server_version, connection, shared)
        found: dict[Fact, str] = {}
        # A database made anew may sum up to what one before it did, with other numbers in its rows.
        (which,) = connection.execute("SELECT oid::int8 FROM pg_database WHERE datname = current_database()").fetchone()  # type: ignore[misc]
        for name, summed in connection.execute(_each(_VERSIONS, list(names))):  # type: ignore[call-overload]
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            if (name, summed, which) not in self._known:
                area = "large object" if name in _LARGE_OBJECTS else "shared" if shared else "catalog"
                self._known[name, summed, which] = _facts(connection, _catalog_query(name, area, self.first_xid))
            found |= self._known[name, summed, which]
        return found


def wal(programs: Path, data: Path, start: str, end: str) -> State:
    """Records of the write-ahead log that no query shows: messages, restore points, switches, checkpoints.

    The last thing before `end` is a message of the oracle's own: an answer without it is none. The segments are named,
    since pg_waldump would take any file there for its size, and one that is prepared for later holds zeros.
    """
    ask = [programs / "pg_waldump", "-p", data / "pg_wal", "-s", start, "-e", end, "-r", "XLOG", "-r", "LogicalMessage"]
    ask += [_segment(start), _segment(end)]
    told = subprocess.run(ask, capture_output=True, text=True, check=False)
    lines = [line.partition("desc: ")[2] for line in told.stdout.splitlines()]
    assert any(_OURS[0] in line for line in lines), f"the log cannot be read: {told.stderr}"
    return {
        ("wal", str(n)): line
        for n, line in enumerate(lines)
        if line.startswith(_TELLING) and not any(name in line for name in _OURS)
    }


def _segment(position: str) -> str:
    """The file with that position, of the first timeline and 16 MB."""
    high, _, low = position.partition("/")
    return f"{1:08X}{int(high, 16):08X}{int(low, 16) >> 24:08X}"


def _neighbour(connection: Connection) -> dict[Fact, str]:
    tables = [name for (name,) in connection.execute(_TABLES)]
    return {("neighbour", key): value for (_, key), value in _facts(connection, _each(_ROWS, tables)).items()}


def _facts(connection: Connection, query: str) -> dict[Fact, str]:
    """Rows that are equal in area and key are told apart by number, so that none can hide another."""
    found: dict[Fact, str] = {}
    if not query:
        return found
    for area, key, value in sorted(connection.execute(query)):  # type: ignore[call-overload]
        number, name = 1, key
        while (area, name) in found:
            number += 1
            name = f"{key} #{number}"
        found[area, name] = value
    return found


_NAMES: dict[tuple[int, bool], tuple[str, ...]] = {}


def _catalogs(version: int, connection: Connection, shared: bool) -> tuple[str, ...]:
    if (version, shared) not in _NAMES:
        asked = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'"
            " AND relisshared = %s ORDER BY 1",
            [shared],
        )
        _NAMES[version, shared] = tuple(name for (name,) in asked)
    return _NAMES[version, shared]


@lru_cache
def _catalog_query(name: str, area: str, first_xid: int) -> str:
    moving = "{" + ",".join(_MOVING) + "}"
    old = f" FROM pg_catalog.{name} t WHERE xmin::text::int8 < {first_xid}"
    new = f" FROM pg_catalog.{name} t WHERE xmin::text::int8 >= {first_xid}"
    if name == "pg_namespace":
        new += " AND nspname !~ '^pg_(toast_)?temp_'"
    of_initdb = _OF_INITDB.format(area=area, name=name) + old
    return of_initdb + " UNION ALL " + _MADE_LATER.format(area=area, name=name, moving=moving, label=_label(name)) + new


def _label(name: str) -> str:
    """A key that a person can read; what is not told apart by it is numbered."""
    columns = {
        "pg_class": "relname",
        "pg_proc": "proname",
        "pg_attribute": "attrelid::regclass || '.' || attname",
        "pg_type": "typname",
        "pg_constraint": "conname",
        "pg_trigger": "tgname",
        "pg_namespace": "nspname",
        "pg_authid": "rolname",
        "pg_database": "datname",
        "pg_policy": "polname",
        "pg_largeobject": "loid::text || ' ' || pageno",
        "pg_largeobject_metadata": "oid::text",
    }
    return columns.get(name, "md5((to_jsonb(t))::text)")


def _each(template: str, tables: list[str]) -> str:
    return " UNION ALL ".join(
        template.format(table=name, literal="'" + name.replace("'", "''") + "'") for name in tables
    )


def _files(folders: tuple[Path, ...]) -> dict[Fact, str]:
    found = {}
    for folder in folders:
        for root, below, files in os.walk(folder):
            if Path(root) == folder:
                below[:] = [name for name in below if name not in _UNWATCHED]
                files = [name for name in files if name not in _UNWATCHED]
            found |= {("file", str(Path(root, name))): "folder" for name in below}
            for name in files:
                content = Path(root, name).read_bytes()
                found["file", str(Path(root, name))] = f"{len(content)} bytes {hashlib.sha256(content).hexdigest()}"
    return found


def _short(value: str) -> str:
    return "nothing" if not value else value if len(value) <= 120 else value[:117] + "..."
