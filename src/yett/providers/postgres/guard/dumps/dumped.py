"""What one dump holds, and what its transaction did after it: values that go into a record and come back from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from yett.model.canonical import Json
from yett.providers.postgres.guard.dumps.acls import Right
from yett.providers.postgres.guard.dumps.shape import Shape
from yett.providers.postgres.guard.table import Column

NO_SHAPES: Mapping[int, Shape] = {}
SETTLED = "settled"
"""In an undo's record, beside the facts of its dump: what its transaction did after it (`settling` writes it)."""


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

    `views` (schema, name, kind) are in it, and depend on its tables or were named; `foreign_keys` (schema, table,
    name, definition) are other tables'. Whatever has an id from `next_xid` (64 bits) on was made after it, or one of
    `open_xids` (32 bits), which had begun and not ended. `grants` (schema, role or "" for PUBLIC, privilege,
    grantable) are those of `schemas`: pg_dump leaves out what a schema was born with. `statistics` (schema, name,
    definition, owner) are extended ones, which it does not dump with a table. `only_rows`: as `settling` says. `oids`
    (schema, name, oid) are those of the tables and views that it names without their rows. `own_keys` (name, a space,
    definition) are the foreign keys of `tables`. `references` are their foreign keys to others. `keys_left`: those of
    `keys` that its transaction left. `beside`: relations (oid) that other dumps of the transaction hold. `rights`: on
    all relations in it. `shapes` (by oid, see `shape.py`): as its transaction left them. `key_comments` on
    `foreign_keys`, as literals, "" for none. `publications` (name, schema, table, which columns and rows): those that
    have some of its tables.
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
    rights: tuple[Right, ...] = ()
    key_comments: tuple[str, ...] = ()
    publications: tuple[tuple[str, str, str, str], ...] = ()
    shapes: Mapping[int, Shape] = field(default_factory=dict)
    open_xids: frozenset[int] = frozenset()

    @property
    def keys(self) -> tuple[Key, ...]:
        """Of `foreign_keys`."""
        oids = {(schema, name): oid for schema, name, oid in self.oids}
        return tuple(Key(oids.get((schema, table), 0), name) for schema, table, name, _ in self.foreign_keys)


def settling(
    xids: Sequence[int],
    left: Mapping[int, int],
    parts: Mapping[int, Sequence[str]],
    keys: Sequence[Key],
    beside: Iterable[int] = (),
    shapes: Mapping[int, Shape] = NO_SHAPES,
    *,
    only_rows: bool = True,
) -> dict[str, Json]:
    """The transaction's own ids (32 bits) at its end, and what it left of the tables (oid) that were dumped: how many
    rows, the parts of their definitions, and the foreign keys that refer to them; and all relations (oid) that it had
    dumped.

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
        "shapes": {str(oid): [shapes[oid].itself, shapes[oid].parts] for oid in sorted(shapes)},
    }


def settled_from(dump: Dump, facts: Any) -> tuple[tuple[int, ...], Dump]:  # Any: taken apart here
    """From what `settling` wrote: the transaction's ids, and the dump with all else. Raises as `dump_from`, and
    AttributeError."""
    left = {int(oid): int(count) for oid, count in facts["left"].items()}
    parts = {int(oid): tuple(map(str, names)) for oid, names in facts.get("parts", {}).items()}
    return tuple(int(xid) for xid in facts["xids"]), replace(
        dump,
        tables=tuple(replace(one, left=left.get(one.oid), parts_left=parts.get(one.oid, ())) for one in dump.tables),
        only_rows=bool(facts.get("only_rows", True)),
        keys_left=frozenset(Key(int(table), str(name)) for table, name in facts.get("keys", ())),
        beside=frozenset(int(oid) for oid in facts.get("beside", ())),
        shapes=_shapes_from(facts.get("shapes", {})),
    )


def _shapes_from(facts: Any) -> dict[int, Shape]:  # Any: taken apart here
    """Of one digest each, as they were written before, none."""
    pairs = {int(oid): digests for oid, digests in facts.items() if isinstance(digests, list)}
    return {oid: Shape(str(itself), str(parts)) for oid, (itself, parts) in pairs.items()}


def dump_facts(dump: Dump) -> dict[str, Json]:
    """For the manifest; `dump_from` is the way back."""
    words: dict[str, Json] = {
        "statistics": [list(one) for one in dump.statistics],
        "key_comments": list(dump.key_comments),
        "publications": [list(one) for one in dump.publications],
    }
    return dump_outline(dump) | words


def dump_outline(dump: Dump) -> dict[str, Json]:
    """For an undo's record: without what people wrote into definitions, which may hold anything. `dump_from` is the way
    back."""
    return {
        "file": dump.file,
        "tables": [
            [t.oid, t.schema, t.name, t.filenode, columns_facts(t.columns), t.rows, t.sha256] for t in dump.tables
        ],
        "partitioned": [list(name) for name in dump.partitioned],
        "schemas": list(dump.schemas),
        "views": [list(view) for view in dump.views],
        "foreign_keys": [list(key) for key in dump.foreign_keys],
        "next_xid": dump.next_xid,
        "open_xids": sorted(dump.open_xids),
        "grants": [list(grant) for grant in dump.grants],
        "oids": [list(one) for one in dump.oids],
        "own_keys": list(dump.own_keys),
        "rights": [list(right) for right in dump.rights],
        "references": [[one.key, one.name, one.table, one.schema, one.table_name] for one in dump.references],
    }


def dump_from(facts: Any) -> Dump:  # Any: taken apart here
    """Raises KeyError, TypeError, ValueError."""
    return Dump(
        str(facts["file"]),
        tuple(
            DumpedTable(int(o), str(s), str(n), int(f), columns_from(c), int(r), str(h))
            for o, s, n, f, c, r, h in facts["tables"]
        ),
        tuple((str(schema), str(name)) for schema, name in facts["partitioned"]),
        tuple(str(schema) for schema in facts["schemas"]),
        tuple((str(a), str(b), str(c)) for a, b, c in facts["views"]),
        tuple((str(a), str(b), str(c), str(d)) for a, b, c, d in facts["foreign_keys"]),
        int(facts["next_xid"]),
        tuple((str(a), str(b), str(c), bool(d)) for a, b, c, d in facts["grants"]),
        tuple((str(a), str(b), str(c), str(d)) for a, b, c, d in facts.get("statistics", ())),
        open_xids=frozenset(int(xid) for xid in facts.get("open_xids", ())),
        oids=tuple((str(schema), str(name), int(oid)) for schema, name, oid in facts.get("oids", ())),
        own_keys=tuple(str(key) for key in facts.get("own_keys", ())),
        rights=tuple((str(a), str(b), str(c), str(d)) for a, b, c, d in facts.get("rights", ())),
        key_comments=tuple(str(one) for one in facts.get("key_comments") or [""] * len(facts["foreign_keys"])),
        publications=tuple((str(a), str(b), str(c), str(d)) for a, b, c, d in facts.get("publications", ())),
        references=tuple(
            Reference(int(key), str(name), int(table), str(schema), str(called))
            for key, name, table, schema, called in facts.get("references", ())
        ),
    )


def columns_facts(columns: tuple[Column, ...]) -> Json:
    return [[column.name, column.type, column.generated, column.number] for column in columns]


def columns_from(facts: Any) -> tuple[Column, ...]:  # Any: taken apart here
    return tuple(
        Column(str(name), str(shown), str(generated), int(*number)) for name, shown, generated, *number in facts
    )
