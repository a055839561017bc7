"""What a session may not see of a database: its masks as the catalog has them now, and what each text could show.

A text that would carry masked values to where they are masked no more is refused here, whoever would sign it: to see a
column is an act of its own (`yett database show`), which says which column, to which task and until when.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import psycopg

from yett.gateway.databases.pool import OwnPool
from yett.gateway.postgres import replies
from yett.gateway.postgres.desk import Told
from yett.gateway.postgres.masks.masked_answers import MaskedAnswers
from yett.gateway.postgres.masks.masking import Masks
from yett.gateway.postgres.masks.touching import SETTLED, Touch, Unsettled, touch, unsettled, worst
from yett.model.errors import YettError
from yett.operations.sql.catalog import Catalog
from yett.operations.sql.classify import behind_calls
from yett.operations.sql.mentions import NO_NAMES, mentions
from yett.operations.sql.parameters import with_declared
from yett.operations.sql.statement import Statement, Verb, Way
from yett.operations.sql.worker import WouldWait, not_waiting
from yett.providers.postgres.grants import Masked, columns_now, masked_columns, must_be_there
from yett.providers.postgres.identifiers import words
from yett.providers.postgres.own import Own
from yett.providers.postgres.scope import Columns, Scope, Table

MOST_TEXTS = 4096
_NOTHING = b"SELECT"
_BEHIND_PORTALS = (Touch.MASKED, Touch.QUIET)
_MAKES_ROWS = frozenset(("PREPARE", "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"))
Tables = Mapping[str, tuple[frozenset[str], frozenset[str]]]
Classified = tuple[Catalog, tuple[Statement, ...]]


class LiveMasks:
    """One session's masks on one database. Columns stay masked by their numbers, whatever they are called later."""

    def __init__(self, name: str, own: OwnPool, scope: Scope) -> None:
        """`name`: what a person calls the database."""
        self.name = name
        self._own = own
        self._scope = scope
        self._shown: dict[frozenset[tuple[Table, frozenset[str]]], Columns] = {}
        self._known: tuple[Masked, Masked] | None = None
        self._catalog: Catalog | None = None
        self._masks = Masks()

    @property
    def last(self) -> Masks:
        """As they were when they were read last."""
        return self._masks

    def mark(self, catalog: object) -> Masks | None:
        """What `now` would answer without asking the server; None if it would have to."""
        return self._masks if catalog is self._catalog else None

    async def now(self, catalog: Catalog) -> Masks:
        """As the catalog has them: the same object as long as nothing of it has changed.

        Raises:
            YettError: they cannot be known.
        """
        if catalog is self._catalog:
            return self._masks
        try:
            async with self._own.connection() as own:
                masked = await self._read(own, self._scope.masked, 0)
                veiled = await self._read(own, self._scope.veiled, 1)
                both = await masked_columns(own, _both(_named(masked), _named(veiled)))
        except psycopg.Error as error:
            raise YettError(f"what is masked in the database cannot be read: {error.sqlstate}", "try again") from None
        masks = Masks.of(both, frozenset(veiled.columns))
        if masks != self._masks:
            self._masks = masks
        self._known, self._catalog = (masked, veiled), catalog
        return self._masks

    def withheld(self, statements: Sequence[Statement]) -> frozenset[str]:
        """Columns that the lease was not granted, of those that the statements could name, as schema.table.column."""
        if self._known is None:
            return frozenset()
        masked, found = self._known[0], set[str]()
        for one in statements:
            said = words(one.redacted)
            for touched in one.touched:
                for column in masked.columns.get(touched.oid, {}).values():
                    if column in said or "*" in one.redacted:
                        found.add(f"{masked.names[touched.oid]}.{column}")
        return frozenset(found)

    async def show(self, own: Own, columns: Columns) -> Columns:
        """A person has signed that this session sees these. Gives those whose grant was withheld, partitions' too.

        Raises:
            psycopg.Error: nothing has changed.
        """
        withheld = _named(await masked_columns(own, self._scope.masked))
        wanted = _named(await masked_columns(own, columns))
        self._shown[_table_key(columns)] = wanted
        self._known = self._catalog = None
        return {table: both for table, names in wanted.items() if (both := names & withheld.get(table, frozenset()))}

    def hide(self, columns: Columns) -> Columns:
        """It is over: masked again from the next text on. Gives what `show` made of them."""
        shown = self._shown.pop(_table_key(columns), {})
        self._known = self._catalog = None
        return shown

    async def _read(self, own: Own, said: Columns, which: int) -> Masked:
        """`which`: masked or veiled. What was there once may have another name now, or be gone."""
        shown: Columns = {}
        for columns in self._shown.values():
            shown = _both(shown, columns)
        wanted = {table: left for table, names in said.items() if (left := names - shown.get(table, frozenset()))}
        if self._known is not None:
            return await masked_columns(own, _both(wanted, await columns_now(own, self._known[which].columns)))
        found = await masked_columns(own, wanted)
        must_be_there(wanted, found)
        return found


@dataclass(frozen=True, slots=True)
class Judged:
    """What a text has to do with masked columns. `copies`, `carries`: tables whose masked columns a COPY would show, or
    that it would store; then it is refused."""

    touch: Touch
    copies: Tables | None = None
    carries: Tables | None = None
    unsure: bool = False
    """What its transaction has defined decides what it would show, and that is refused, too."""


def judge(
    masks: Masks,
    sql: bytes,
    catalog: Catalog,
    statements: Sequence[Statement],
    prepared: Mapping[str, Statement] = MappingProxyType({}),
    *,
    inside: bool = False,
) -> Judged:
    """What an EXECUTE shows is what the statement behind its name shows, if that is one of `prepared`. `inside`: what
    the transaction has defined itself counts, of which the masks know nothing: names and views may be others.

    Raises WouldWait: within `not_waiting`, if it must be read elsewhere."""
    sql, given, statements = _executed(sql, statements, prepared)
    if not any(masks.touches({touched.oid for touched in one.touched}) for one in statements):
        return Judged(touch(statements, masks))
    names = mentions(sql)
    if inside:
        defines = all(one.way is Way.DUMP for one in statements)
        harmless = defines and all(said.values == NO_NAMES for said in names)
        return Judged(Touch.UNKNOWN, unsure=not harmless)
    behind = behind_calls(sql, catalog) | (behind_calls(given, catalog) if given else frozenset())
    found = touch(statements, masks, names, behind)
    if len(names) != len(statements):
        return Judged(Touch.UNKNOWN, carries={})
    for one, mentioned in zip(statements, names, strict=True):
        oids = {touched.oid for touched in one.touched}
        tables, opaque = masks.tables(oids), bool(oids & masks.opaque)
        through = opaque or bool(one.executes) or bool(behind & (masks.columns.keys() | {0}))
        if not (tables or opaque) or not (through or mentioned.values.name(tables)):
            continue
        if one.copies == "out":
            return Judged(found, copies=tables)
        writes = one.way is Way.ASK or any(touched.verb not in (Verb.READ, Verb.DELETE) for touched in one.touched)
        if mentioned.stores or (writes and one.way is not Way.DUMP):
            return Judged(found, carries=tables)
    return Judged(found)


def _executed(
    sql: bytes, statements: Sequence[Statement], prepared: Mapping[str, Statement]
) -> tuple[bytes, bytes, Sequence[Statement]]:
    """The text that makes the rows, the text that gives it values (b"": the same), and what it all does."""
    if len(statements) != 1 or statements[0].tag != "EXECUTE":
        return sql, b"", statements
    known = prepared.get(statements[0].executes)
    if known is None or known.tag not in _MAKES_ROWS:
        return sql, b"", statements
    return known.text.encode(), sql, (replace(statements[0], tag=known.tag, executes=""),)


def refusal(database: str, judged: Judged) -> Told | None:
    """A person's signature on the statement would not do: what unmasks is signed as such."""
    if judged.unsure:
        what = "yett: this transaction has changed definitions, and with them what is masked in what this reads"
        return Told(what, "commit the definitions first, then send it")
    tables = judged.copies if judged.copies is not None else judged.carries
    if tables is None:
        return None
    columns = sorted(f"{table}.{column}" for table, (hidden, _) in tables.items() for column in hidden)
    what = f"masked columns ({', '.join(columns)})" if columns else "masked columns"
    ask = f"; or ask a person to show them to this task: yett database show {database} {' '.join(columns)}"
    way = ask if columns else ""
    if judged.copies is not None:
        return Told(f"yett: COPY would show {what}", f"{_copyable(tables)}{way}")
    told = f"yett: this would carry {what} to where they are masked no more"
    return Told(told, f"leave them out of what is written{way}")


class Veil:
    """One connection's answers, masked: implements `gateway.postgres.desk.Masking`."""

    def __init__(
        self,
        masks: Masks,
        classified: Callable[[bytes], Classified | None],
        withheld: Callable[[Sequence[Statement]], str] | None = None,
    ) -> None:
        """`classified`: what a text does, as far as that is known without waiting. `withheld`: what a person may do
        about columns that it was refused."""
        self.masks = masks
        self._withheld = withheld
        self._classified = classified
        self._touches: dict[bytes, Touch] = {}
        self._odd: dict[bytes, Unsettled] = {}
        self._texts: dict[bytes, tuple[Statement, ...]] = {}
        self._cursors = Touch.PROVEN
        answers = MaskedAnswers(masks, self._touch, self._unsettles, self._refused, self._given)
        self._answers = answers
        self.sent, self.feed = answers.sent, answers.feed

    def note(self, sql: bytes, statements: Sequence[Statement], masks: Masks, judged: Judged) -> None:
        """A text that is about to be sent, if nothing stops it."""
        if masks is not self.masks:
            self.masks = masks
            self._touches.clear()
            self._texts.clear()
            self._answers.forget(masks)
        if len(self._touches) >= MOST_TEXTS:
            self._touches.clear()
            self._texts.clear()
        if len(self._odd) >= MOST_TEXTS:  # what was odd is forgotten: so is what it could be odd about
            self._odd.clear()
            self._answers.forget()
        self._touches[sql] = judged.touch
        if any(masks.touches({touched.oid for touched in one.touched}) for one in statements):
            self._texts[sql] = tuple(statements)
        if (odd := unsettled(statements)) is not SETTLED:
            self._odd[sql] = odd
        opens = any(one.tag == "DECLARE CURSOR" or (one.way is not Way.PASS and not one.instead) for one in statements)
        if opens or judged.touch in _BEHIND_PORTALS:  # a function may open a cursor, the protocol a portal
            self._cursors = worst((self._cursors, judged.touch))

    # ---- what the answers ask

    def _touch(self, sql: bytes) -> Touch:
        does = self._unsettles(sql)
        if does.executes:  # as it was when it was looked at, a moment before it was sent
            return worst((self._cursors, self._touches.get(sql, Touch.UNKNOWN)))
        if does.follows:
            return self._cursors
        if (known := self._touches.get(sql)) is not None:
            return known
        if (seen := self._classified(sql)) is None:
            return Touch.UNKNOWN
        try:
            with not_waiting():
                return judge(self.masks, sql, *seen).touch
        except (YettError, WouldWait):
            return Touch.UNKNOWN

    def _refused(self, sql: bytes) -> bytes:
        statements = self._texts.get(sql)
        if statements is None and (seen := self._classified(sql)) is not None:
            statements = seen[1]
        return replies.hint(self._withheld(statements)) if self._withheld is not None and statements else b""

    def _given(self, types: Collection[int]) -> Touch:
        """What making values of types that a Parse declares could show: their checks may read."""
        seen = self._classified(_NOTHING)
        if seen is None:
            return Touch.UNKNOWN
        try:
            with not_waiting():
                behind = behind_calls(with_declared(_NOTHING, types), seen[0])
        except (YettError, WouldWait):
            return Touch.UNKNOWN
        return Touch.UNKNOWN if 0 in behind or self.masks.touches(behind) else Touch.NOTHING

    def _unsettles(self, sql: bytes) -> Unsettled:
        return self._odd.get(sql, SETTLED)


def _copyable(tables: Tables) -> str:
    said = [f"COPY {table} ({', '.join(sorted(has - hidden))})" for table, (hidden, has) in sorted(tables.items())]
    return f"these may be copied: {'; '.join(said)}" if said else "copy the table's other columns"


def _named(masked: Masked) -> Columns:
    found: dict[Table, frozenset[str]] = {}
    for oid, numbers in masked.columns.items():
        table = masked.names[oid]
        found[table] = found.get(table, frozenset()) | frozenset(numbers.values())
    return found


def _both(one: Columns, other: Columns) -> Columns:
    return {table: one.get(table, frozenset()) | other.get(table, frozenset()) for table in {**one, **other}}


def _table_key(columns: Columns) -> frozenset[tuple[Table, frozenset[str]]]:
    return frozenset(columns.items())
