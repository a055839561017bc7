"""What was kept of one transaction: values that go into a record and come back from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from yett.model.canonical import Json
from yett.model.errors import YettError
from yett.providers.postgres.guard.dumps.dumped import (
    SETTLED,
    Dump,
    columns_facts,
    columns_from,
    dump_facts,
    dump_from,
    dump_outline,
    settled_from,
)
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
class Former:
    """A table (oid) that is gone, with the columns that it had then, and the one that came back in its place."""

    was: int
    now: int
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Captured:
    """The undo of one transaction, or what a dump holds. `source` reads its files; it is no part of the record.

    `xid` has 64 bits, `xids` (the transaction's own and its savepoints') have 32; `system` and `database` say where
    they mean something. `gaps` are sentences: what the undo does not bring back. `until` (64 bits) is the first id that
    had not been given out when all of it was kept, 0 where that was not written down. `labels` are what the values of
    enum types were called then. Beside a dump: `versions` are rows of its tables by their writers (see `versions.py`),
    `heirs` say which of its tables had come back in the place of others.
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
    versions: tuple[CapturedTable, ...] = ()
    heirs: tuple[Former, ...] = ()

    @property
    def rows(self) -> int:
        dumped = self.dump.tables if self.dump else ()
        return sum(table.rows for table in self.tables) + sum(table.rows for table in dumped)

    def facts(self) -> dict[str, Json]:
        """For the manifest; `load` is the way back."""
        return self.outline() | {"dump": dump_facts(self.dump) if self.dump else None}

    def outline(self) -> dict[str, Json]:
        """For the undo's record, which nothing seals: as `dump_outline`. `load` is the way back."""
        return {
            "xid": self.xid,
            "xids": list(self.xids),
            "system": self.system,
            "database": self.database,
            "tables": [_table_facts(table) for table in self.tables],
            "dump": dump_outline(self.dump) if self.dump else None,
            "files": [[file.name, file.size, file.sha256] for file in self.files],
            "gaps": list(self.gaps),
            "until": self.until,
            "labels": [[oid, label] for oid, label in self.labels],
            "versions": [_table_facts(table) for table in self.versions],
            "heirs": [[one.was, one.now, columns_facts(one.columns)] for one in self.heirs],
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
            dump_from(dump) if dump else None,
            tuple(File(str(n), int(s), str(h)) for n, s, h in from_json["files"]),
            tuple(str(gap) for gap in from_json["gaps"]),
            int(from_json.get("until", 0)),
            source,
            tuple((int(oid), str(label)) for oid, label in from_json.get("labels", ())),
            tuple(_table_from(table) for table in from_json.get("versions", ())),
            tuple(Former(int(was), int(now), columns_from(c)) for was, now, c in from_json.get("heirs", ())),
        )
    except (KeyError, TypeError, ValueError):
        raise YettError("the undo's record cannot be read", "it was written by another version of Yett") from None


def settled(captured: Captured, facts: Mapping[str, Json]) -> Captured:
    """What was dumped, with what `settling` wrote down later. Raises YettError if that cannot be read."""
    said = facts.get(SETTLED)
    if said is None or captured.dump is None:
        return captured
    try:
        xids, dump = settled_from(captured.dump, said)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise YettError("the undo's record cannot be read", "it was written by another version of Yett") from None
    return replace(captured, xids=xids, dump=dump)


def _table_facts(table: CapturedTable) -> Json:
    effect = table.effect
    return {
        "effect": [effect.oid, effect.schema, effect.name, effect.deleted, effect.updated, effect.inserted],
        "columns": columns_facts(table.columns),
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
        columns_from(facts["columns"]),
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
