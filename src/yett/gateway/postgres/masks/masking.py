"""Masked columns in what a server answers: which output columns are hidden, and rows rewritten. Bytes in, bytes out.

Two kinds of columns come here. Masked ones the lease's role may not read at all: that is the control, and the wire is
a second layer behind it, for what runs with other rights than the role's (a view, what a person approved). Veiled ones
the role may read, for clients that cannot live without `select *` (ORMs), and only the wire hides their values: a
convenience, not a control. Masking views are not made: they would be objects in the customer's database, and another
thing than the table for every ALTER, catalog query and qualified name.

What masking on the wire does hide. A column of the answer is hidden if RowDescription says that it is a masked column,
or that it comes from a view which reads a masked table (whose columns have the view's own numbers). It is hidden whole
if it has no such origin (an expression, an aggregate, a whole row, a UNION) in a statement that touches a masked table
through whatever view or function, or of which nobody knows what it touches; unless it is proven that no value in the
statement can be made of a masked column (operations/sql/mentions.py): `count(*)` is no secret. COPY out of such a
statement is refused: its rows say nothing of their columns. So is the text of errors and notices, where `email::int`
would tell what the server read.

What it does not: the value can be asked for (`WHERE email LIKE 'a%'`, ORDER BY, a join, the time that a query takes),
and carried away (pg_notify, a body in another language) to where it is masked no more; statements whose text carries it
(`UPDATE t SET name = email`, CREATE TABLE AS) are refused (gateway/databases/allowed/masks.py). Nothing of this works
against the column grant.

A hidden value is `***` where the type is text, in both formats, whose bytes are the same; NULL for every other type,
since no made-up number or date would be honest. A NULL is hidden, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from struct import Struct
from struct import error as StructError

from yett.gateway.postgres.messages import DATA_ROW
from yett.providers.postgres.grants import Masked

HIDDEN = b"***"
_TEXT_TYPES = frozenset({19, 25, 705, 1042, 1043})  # name, text, unknown, bpchar, varchar (pg_type.dat)
_VALUE = len(HIDDEN).to_bytes(4, "big") + HIDDEN
_NULL = b"\xff\xff\xff\xff"

_ROW = Struct(">BIH").unpack_from
_LENGTH = Struct(">i").unpack_from
_HEAD = Struct(">BIH").pack
_FIELD = Struct(">IhIhiH")
_COUNT = Struct(">H").unpack_from


class Unmaskable(Exception):
    """What the server sent does not fit what was asked of it, so nothing can be hidden in it: the session ends."""


@dataclass(frozen=True, slots=True)
class Masks:
    """What one lease may not see. `columns`: by table oid, attribute numbers. `opaque`: relations that show them.

    `veiled`: tables with a column that the role may read. `layout`: schema, table, number and name of every column of
    all of them, by oid.
    """

    columns: Mapping[int, frozenset[int]] = field(default_factory=dict)
    opaque: frozenset[int] = frozenset()
    veiled: frozenset[int] = frozenset()
    layout: Mapping[int, frozenset[tuple[str, str, int, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, masked: Masked, veiled: Collection[int] | None = None) -> Masks:
        """From what a scope means in a database. `columns` wins: a view that is masked by its own columns is.

        `veiled` None: all of it is.
        """
        columns = {oid: frozenset(numbers) for oid, numbers in masked.columns.items()}
        return cls(
            columns,
            frozenset(masked.showing) | masked.statistics,
            frozenset(columns if veiled is None else veiled),
            {oid: frozenset(listed) for oid, listed in masked.layout.items()},
        )

    def tables(self, oids: Collection[int]) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
        """Of these tables, by bare name: the columns that are masked, and all that it has."""
        found: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        for oid in oids:
            if oid not in self.columns or oid not in self.layout:
                continue
            layout = self.layout[oid]
            name = next(table for _, table, _, _ in layout)
            has = frozenset(column for _, _, _, column in layout)
            counted = frozenset(column for _, _, number, column in layout if number in self.columns[oid])
            before, had = found.get(name, (frozenset(), has))
            found[name] = (before | counted, had & has)
        return found

    def touches(self, relations: Collection[int] | None) -> bool:
        """Whether a statement on these relations could show a masked value. None: nobody knows, so it could."""
        return relations is None or any(oid in self.columns or oid in self.opaque for oid in relations)


@dataclass(frozen=True, slots=True)
class Plan:
    """How rows of one shape are rewritten: after `steps[i][0]` columns kept comes one replaced by `steps[i][1]`."""

    columns: int
    steps: tuple[tuple[int, bytes], ...]
    touches: bool


def plan(description: bytes, masks: Masks, touches: bool, *, proven: bool = False) -> Plan:
    """The plan for the rows that a RowDescription's body announces. It holds for both formats.

    `touches`: the statement could show a masked value, as `Masks.touches` said. `proven`: no expression in it could.

    Raises:
        Unmaskable: it is cut off.
    """
    try:
        fields = _fields(description)
    except (ValueError, StructError):
        raise Unmaskable("a RowDescription that cannot be read") from None
    touches = touches or (not proven and masks.touches([oid for oid, _, _ in fields]))
    steps, kept = [], 0
    for table, number, type_ in fields:
        if _hidden(table, number, masks, touches):
            steps.append((kept, _VALUE if type_ in _TEXT_TYPES else _NULL))
            kept = 0
        else:
            kept += 1
    return Plan(len(fields), tuple(steps), touches)


def everything(row: bytes, pos: int) -> Plan:
    """The plan for rows of which nothing was announced: all NULL."""
    columns = _COUNT(row, pos + 5)[0]
    return Plan(columns, ((0, _NULL),) * columns, True)


def mask_rows(data: bytes, pos: int, end: int, plan: Plan, out: list[bytes]) -> int:
    """Rewrite the whole DataRows that stand one after the other from `pos`; append them to `out`.

    Gives where the first message stands that is no DataRow, or that `end` cuts off.

    Raises:
        Unmaskable: a row is not of the plan's shape.
        struct.error: a row is cut off inside.
    """
    columns, steps = plan.columns, plan.steps
    start = pos
    while end - pos >= 7:
        kind, size, count = _ROW(data, pos)
        after = pos + 1 + size
        if kind != DATA_ROW or after > end:
            break
        if count != columns or size < 6:
            raise Unmaskable("a row of another shape than was announced")
        if steps:
            at = copied = pos + 7
            pieces = []
            for kept, instead in steps:
                for _ in range(kept):
                    length = _LENGTH(data, at)[0]
                    at += 4 + length if length > 0 else 4
                length = _LENGTH(data, at)[0]
                pieces.append(data[copied:at])
                pieces.append(instead)
                at = copied = at + 4 + length if length > 0 else at + 4
                if at > after:
                    raise Unmaskable("a row that is longer than its message")
            pieces.append(data[copied:after])
            row = b"".join(pieces)
            out.append(_HEAD(DATA_ROW, len(row) + 6, count))
            out.append(row)
            start = after
        pos = after
    if start < pos:
        out.append(data[start:pos])
    return pos


def _hidden(table: int, number: int, masks: Masks, touches: bool) -> bool:
    """System columns (below 0) hold no value of the row."""
    if table == 0 or number == 0:
        return touches
    if table in masks.columns:
        return number in masks.columns[table]
    return table in masks.opaque


def _fields(description: bytes) -> list[tuple[int, int, int]]:
    """Table oid, attribute number and type oid of every column (PostgreSQL 18, 54.7, RowDescription)."""
    found, at = [], 2
    for _ in range(_COUNT(description, 0)[0]):
        at = description.index(0, at) + 1
        table, number, type_, *_rest = _FIELD.unpack_from(description, at)
        found.append((table, number, type_))
        at += _FIELD.size
    if at != len(description):
        raise ValueError
    return found
