"""What was kept of one transaction: values that go into a record and come back from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from yett.model.canonical import Json
from yett.model.errors import YettError
from yett.providers.postgres.guard.effects import TableEffect
from yett.providers.postgres.guard.labels import Labels
from yett.providers.postgres.guard.sink import Source
from yett.providers.postgres.guard.table import Column

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class File:
    """One file of an undo, as it was written."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CapturedTable:
    """Rows of one table as they were before the transaction.

    `rows` are in `file`; `whole` means all of the table, else those that the transaction changed. `changed` is how many
    of a whole copy it changed, None where their marks are certain. `new` is how many row versions it left in the table,
    None where only the kind of its changes bounds them; `new_file` holds their keys, "" if they were not taken.
    `filenode` tells whether rows still lie where they lay.
    """

    effect: TableEffect
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    filenode: int
    is_partition: bool
    rows: int
    whole: bool
    changed: int | None
    new: int | None
    file: str
    new_file: str


@dataclass(frozen=True, slots=True)
class DumpedTable:
    """One table of a dump: its rows, and SHA-256 over their digests in order. `oid` and `filenode` are what it had.

    `left`: how many rows its transaction left in it, None where it changed none (see `settled`); `parts_left`: the
    parts of its definition that it left, as `parts` names them.
    """

    oid: int
    schema: str
    name: str
    filenode: int
    columns: tuple[Column, ...]
    rows: int
    sha256: str
    left: int | None = None
    parts_left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key of a table (oid) outside of a dump that refers to one inside."""

    table: int
    name: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key (oid) of a table inside of a dump that refers to one outside (oid, and what it was called)."""

    key: int
    name: str
    table: int
    schema: str
    table_name: str


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump made under lock. `partitioned` (schema, name) have no rows of their own.

    `views` (schema, name, kind) are in it, and depend on its tables or were named; `foreign_keys` (schema, table, name,
    definition) are other tables'. Whatever has an id from `next_xid` (64 bits) on was made after it. `grants` (schema,
    role or "" for PUBLIC, privilege, grantable) are those of `schemas`: pg_dump leaves out what a schema was born with.
    `statistics` (schema, name, definition, owner) are extended ones, which it does not dump with a table.
    `only_rows`: as `settling` says. `oids` (schema, name, oid) are those of the tables and
    views that it names without their rows. `own_keys` (name, a space, definition) are the foreign keys of `tables`.
    `references` are their foreign keys to others. `keys_left`: those of `keys` that its transaction left. `beside`:
    relations (oid) that other dumps of the transaction hold.
    """

    file: str
    tables: tuple[DumpedTable, ...]
    partitioned: tuple[tuple[str, str], ...]
    schemas: tuple[str, ...]
    views: tuple[tuple[str, str, str], ...]
    foreign_keys: tuple[tuple[str, str, str, str], ...]
    next_xid: int
    grants: tuple[tuple[str, str, str, bool], ...] = ()
    statistics: tuple[tuple[str, str, str, str], ...] = ()
    only_rows: bool = True
    oids: tuple[tuple[str, str, int], ...] = ()
    own_keys: tuple[str, ...] = ()
    keys_left: frozenset[Key] = frozenset()
    references: tuple[Reference, ...] = ()
    beside: frozenset[int] = frozenset()

    @property
    def keys(self) -> tuple[Key, ...]:
        """Of `foreign_keys`."""
        oids = {(schema, name): oid for schema, name, oid in self.oids}
        return tuple(Key(oids.get((schema, table), 0), name) for schema, table, name, _ in self.foreign_keys)


@dataclass(frozen=True, slots=True)
class Captured:
    """The undo of one transaction, or what a dump holds. `source` reads its files; it is no part of the record.

    `xid` has 64 bits, `xids` (the transaction's own and its savepoints') have 32; `system` and `database` say where
    they mean something. `gaps` are sentences: what the undo does not bring back. `until` (64 bits) is the first id that
    had not been given out when all of it was kept, 0 where that was not written down. `labels` are what the values of
    enum types were called then.
    """

    xid: int
    xids: tuple[int, ...]
    system: str
    database: int
    tables: tuple[CapturedTable, ...]
    dump: Dump | None
    files: tuple[File, ...]
    gaps: tuple[str, ...]
    until: int = 0
    source: Source | None = field(default=None, repr=False, compare=False)
    labels: Labels = ()

    @property
    def rows(self) -> int:
        dumped = self.dump.tables if self.dump else ()
        return sum(table.rows for table in self.tables) + sum(table.rows for table in dumped)

    def facts(self) -> dict[str, Json]:
        """For the undo's record and the manifest; `load` is the way back."""
        return {
            "xid": self.xid,
            "xids": list(self.xids),
            "system": self.system,
            "database": self.database,
            "tables": [_table_facts(table) for table in self.tables],
            "dump": _dump_facts(self.dump) if self.dump else None,
            "files": [[file.name, file.size, file.sha256] for file in self.files],
            "gaps": list(self.gaps),
            "until": self.until,
            "labels": [[oid, label] for oid, label in self.labels],
        }


def load(facts: Mapping[str, Json], source: Source | None) -> Captured:
    """From `Captured.facts`. Raises YettError if they are not such facts."""
    from_json: Any = facts  # Any: the shape is checked by taking it apart
    try:
        dump = from_json["dump"]
        return Captured(
            int(from_json["xid"]),
            tuple(int(xid) for xid in from_json["xids"]),
            str(from_json["system"]),
            int(from_json["database"]),
            tuple(_table_from(table) for table in from_json["tables"]),
            _dump_from(dump) if dump else None,
            tuple(File(str(n), int(s), str(h)) for n, s, h in from_json["files"]),
            tuple(str(gap) for gap in from_json["gaps"]),
            int(from_json.get("until", 0)),
            source,
            tuple((int(oid), str(label)) for oid, label in from_json.get("labels", ())),
        )
    except (KeyError, TypeError, ValueError):
        raise YettError("the undo's record cannot be read", "it was written by another version of Yett") from None


SETTLED = "settled"
"""In an undo's record, beside the facts of its dump: what its transaction did after it (`settling` writes it)."""


def settling(
    xids: Sequence[int],
    left: Mapping[int, int],
    parts: Mapping[int, Sequence[str]],
    keys: Sequence[Key],
    beside: Iterable[int] = (),
    *,
    only_rows: bool = True,
) -> dict[str, Json]:
    """The transaction's own ids (32 bits) at its end, and what it left of the tables (oid) that were dumped: how many
    rows, the parts of their definitions, and the foreign keys that refer to them; and relations (oid) that it had dumped
    otherwise.

    `only_rows`: it defined nothing, so that what it emptied has its definition still.
    """
    counts: Json = {str(oid): count for oid, count in sorted(left.items())}
    named: Json = {str(oid): list(names) for oid, names in sorted(parts.items())}
    return {
        "xids": list(xids),
        "left": counts,
        "only_rows": only_rows,
        "parts": named,
        "keys": [[key.table, key.name] for key in keys],
        "beside": sorted(beside),
    }


def settled(captured: Captured, facts: Mapping[str, Json]) -> Captured:
    """What was dumped, with what `settling` wrote down later. Raises YettError if that cannot be read."""
    said: Any = facts.get(SETTLED)  # Any: the shape is checked by taking it apart
    if said is None or captured.dump is None:
        return captured
    try:
        left = {int(oid): int(count) for oid, count in said["left"].items()}
        xids = tuple(int(xid) for xid in said["xids"])
        only_rows = bool(said.get("only_rows", True))
        keys = frozenset(Key(int(table), str(name)) for table, name in said.get("keys", ()))
        beside = frozenset(int(oid) for oid in said.get("beside", ()))
        parts = {int(oid): tuple(map(str, names)) for oid, names in said.get("parts", {}).items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise YettError("the undo's record cannot be read", "it was written by another version of Yett") from None
    tables = tuple(
        replace(table, left=left.get(table.oid), parts_left=parts.get(table.oid, ())) for table in captured.dump.tables
    )
    dump = replace(captured.dump, tables=tables, only_rows=only_rows, keys_left=keys, beside=beside)
    return replace(captured, xids=xids, dump=dump)


def _table_facts(table: CapturedTable) -> Json:
    effect = table.effect
    return {
        "effect": [effect.oid, effect.schema, effect.name, effect.deleted, effect.updated, effect.inserted],
        "columns": _columns_facts(table.columns),
        "key": list(table.key),
        "filenode": table.filenode,
        "is_partition": table.is_partition,
        "rows": table.rows,
        "whole": table.whole,
        "changed": table.changed,
        "new": table.new,
        "file": table.file,
        "new_file": table.new_file,
    }


def _table_from(facts: Any) -> CapturedTable:  # Any: taken apart here
    oid, schema, name, deleted, updated, inserted = facts["effect"]
    return CapturedTable(
        TableEffect(int(oid), str(schema), str(name), int(deleted), int(updated), int(inserted)),
        _columns_from(facts["columns"]),
        tuple(str(name) for name in facts["key"]),
        int(facts["filenode"]),
        bool(facts["is_partition"]),
        int(facts["rows"]),
        bool(facts["whole"]),
        None if facts["changed"] is None else int(facts["changed"]),
        None if facts["new"] is None else int(facts["new"]),
        str(facts["file"]),
        str(facts["new_file"]),
    )


def _dump_facts(dump: Dump) -> Json:
    return {
        "file": dump.file,
        "tables": [
            [t.oid, t.schema, t.name, t.filenode, _columns_facts(t.columns), t.rows, t.sha256] for t in dump.tables
        ],
        "partitioned": [list(name) for name in dump.partitioned],
        "schemas": list(dump.schemas),
        "views": [list(view) for view in dump.views],
        "foreign_keys": [list(key) for key in dump.foreign_keys],
        "next_xid": dump.next_xid,
        "grants": [list(grant) for grant in dump.grants],
        "statistics": [list(one) for one in dump.statistics],
        "oids": [list(one) for one in dump.oids],
        "own_keys": list(dump.own_keys),
        "references": [[one.key, one.name, one.table, one.schema, one.table_name] for one in dump.references],
    }


def _dump_from(facts: Any) -> Dump:  # Any: taken apart here
    return Dump(
        str(facts["file"]),
        tuple(
            DumpedTable(int(o), str(s), str(n), int(f), _columns_from(c), int(r), str(h))
            for o, s, n, f, c, r, h in facts["tables"]
        ),
        tuple((str(schema), str(name)) for schema, name in facts["partitioned"]),
        tuple(str(schema) for schema in facts["schemas"]),
        tuple((str(a), str(b), str(c)) for a, b, c in facts["views"]),
        tuple((str(a), str(b), str(c), str(d)) for a, b, c, d in facts["foreign_keys"]),
        int(facts["next_xid"]),
        tuple((str(a), str(b), str(c), bool(d)) for a, b, c, d in facts["grants"]),
        tuple((str(a), str(b), str(c), str(d)) for a, b, c, d in facts.get("statistics", ())),
        oids=tuple((str(schema), str(name), int(oid)) for schema, name, oid in facts.get("oids", ())),
        own_keys=tuple(str(key) for key in facts.get("own_keys", ())),
        references=tuple(
            Reference(int(key), str(name), int(table), str(schema), str(called))
            for key, name, table, schema, called in facts.get("references", ())
        ),
    )


def _columns_facts(columns: tuple[Column, ...]) -> Json:
    return [[column.name, column.type, column.generated, column.number] for column in columns]


def _columns_from(facts: Any) -> tuple[Column, ...]:  # Any: taken apart here
    return tuple(
        Column(str(name), str(shown), str(generated), int(*number)) for name, shown, generated, *number in facts
    )
