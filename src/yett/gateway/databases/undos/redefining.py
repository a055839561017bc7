"""The undo of definitions that hold no rows: what a transaction drops or replaces, in the server's own words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from yett.gateway.databases.place import Place
from yett.gateway.databases.undos.keeping import discard, keep_undo
from yett.model.undo import UndoPlan, UndoRecord
from yett.operations.sql.statement import Statement
from yett.providers.postgres.guard.dumps.dumped import DumpedTable
from yett.providers.postgres.guard.effects import Effects, Unguardable
from yett.providers.postgres.guard.guard import Guard
from yett.providers.postgres.guard.words.redefined import WORDS, Changes, keep_words, said_of, words_facts
from yett.providers.postgres.identifiers import words

DUMPED = "a dump under lock, before it ran"
WORDS_KEPT = "the definitions that it drops or replaces are kept, before COMMIT"
_MAKES = "what it makes is not taken away again"
_BUILT = "an index is built again, while nobody can write to its table"
_KEPT = frozenset(
    f"DROP {one}" for one in ("FUNCTION", "PROCEDURE", "ROUTINE", "TRIGGER", "POLICY", "RULE", "INDEX")
) | {"COMMENT"}
ADDED = frozenset({"CREATE TRIGGER", "CREATE POLICY"})
"""They change no row of their table and nothing of it that exists: it is not dumped for them."""
_NEVER = frozenset({"ALTER SEQUENCE"})
"""It stands, and others draw from it, so that no dump of it is put in its place."""
_REPLACED = frozenset({"CREATE FUNCTION", "CREATE PROCEDURE"})


def may_redefine(statements: Iterable[Statement]) -> bool:
    """Whether one of them drops or replaces what can be kept in words."""
    return any(one.tag in _KEPT | ADDED or _drops_types(one) or _replaces_a_function(one) for one in statements)


def plan_without_a_dump(statements: Sequence[Statement], lost: Collection[str]) -> UndoPlan:
    """What makes something new leaves all else as it is. A type or a right that is dropped or altered is in no dump of
    rows, and not kept in words."""
    makes = (_MAKES,) if any(one.tag.startswith("CREATE ") and one.tag not in ADDED for one in statements) else ()
    if all(_makes_new(one) for one in statements):
        return UndoPlan(True, "nothing that exists is changed by it", makes)
    if lost or not all(_makes_new(one) or may_redefine([one]) for one in statements):
        none = "no table is dumped for it: what it drops or redefines is not brought back"
        return UndoPlan(False, "none", (none, *not_brought_back(lost)))
    built = (_BUILT,) if any(one.tag == "DROP INDEX" for one in statements) else ()
    return UndoPlan(True, WORDS_KEPT, (*makes, *built))


def plan_with_a_dump(statements: Sequence[Statement], lost: Collection[str]) -> UndoPlan:
    how = f"{DUMPED}; {WORDS_KEPT}" if may_redefine(statements) else DUMPED
    others = {
        one.tag
        for one in statements
        if one.tag in _NEVER or not (one.touched or one.schemas or _makes_new(one) or may_redefine([one]))
    }
    return UndoPlan(True, how, not_brought_back({*lost, *others}))


class Dump(Protocol):
    """What was dumped before one of the transaction's statements ran; see `undo.Dumping`."""

    dumped: tuple[DumpedTable, ...]
    redefines: bool

    @property
    def says_all(self) -> bool: ...


class Redefining:
    """Of one transaction: `read` before each of its statements, `keep` when all have run."""

    def __init__(self, place: Place, guard: Guard) -> None:
        self.kept: UndoRecord | None = None
        self._place = place
        self._guard = guard

    async def read(self, statements: Sequence[Statement]) -> tuple[str, ...]:
        """What of it cannot be kept, described. Raises ServerError, YettError."""
        dropping = [one for one in statements if one.tag in _KEPT and one.tag != "COMMENT"]
        return await self._guard.redefined.read(
            _names(statements),
            dropped=_names(dropping),
            types=_names(filter(_drops_types, statements)),
            with_all=_names(one for one in dropping if "CASCADE" in one.text.upper()),
        )

    async def keep(self, effects: Effects, dumps: Sequence[Dump], schemas: Sequence[str], hold: str) -> None:
        """What the transaction drops or replaces that is in no dump of it, or of `schemas`.

        Raises YettError, ServerError: the transaction must be rolled back.
        """
        if not any(one.redefines for one in dumps):
            return
        changes = await self._guard.changes(effects, schemas)
        if found := [name for name in changes.replaced_types if _are_parted(dumps, name)]:
            raise _parted(found[0])
        gaps = not_brought_back(changes.unkept)
        if all(one.says_all for one in dumps):
            if gaps:
                raise _takes_more(changes)
            self._guard.without_rules = changes.rules_of
        if changes.kept:
            await self._capture(changes, hold, gaps)

    async def _capture(self, changes: Changes, hold: str, gaps: Sequence[str]) -> None:
        async with await self._place.undos.begin(self._place.session.task.id) as making:
            captured = await keep_words(self._place.own, changes, gaps, making)
            more = {WORDS: words_facts(changes)}
            self.kept = await keep_undo(self._place, making, captured, WORDS_KEPT, hold, _said(changes), more)

    async def discarded(self) -> None:
        await discard(self._place, self.kept)


def not_brought_back(what: Collection[str]) -> tuple[str, ...]:
    """As a gap."""
    more = f", and {len(what) - 5} more" if len(what) > 5 else ""
    return (f"this is not brought back: {', '.join(sorted(what)[:5])}{more}",) if what else ()


def _makes_new(statement: Statement) -> bool:
    return statement.tag.startswith("CREATE ") and statement.tag not in ADDED and not _replaces(statement)


def _drops_types(statement: Statement) -> bool:
    """Enums, at best: of others `read` says that they cannot be kept."""
    return statement.tag in ("DROP TYPE", "DROP DOMAIN")


def _replaces_a_function(statement: Statement) -> bool:
    return statement.tag in _REPLACED and _replaces(statement)


def _replaces(statement: Statement) -> bool:
    return "REPLACE" in statement.text.upper()


def _names(statements: Iterable[Statement]) -> set[str]:
    """Every word that could name something."""
    return set[str]().union(*(words(one.text) for one in statements))


def _said(changes: Changes) -> str:
    said = [f"{said_of(one)} {one.what.label}" for one in changes.kept]
    return "; ".join(said[:4]) + (f"; and {len(said) - 4} more" if len(said) > 4 else "")


def _are_parted(dumps: Sequence[Dump], type_name: str) -> bool:
    """Whether tables that had columns of the type are in more than one dump, each of which would take it back alone."""
    having = [one for one in dumps if any(type_name in c.type for table in one.dumped for c in table.columns)]
    return len(having) > 1


def _parted(type_name: str) -> Unguardable:
    return Unguardable(
        f"it makes the type {type_name} anew under tables that are kept one by one: none of them could come back alone",
        "send all of the transaction as one text: then they are kept together",
    )


def _takes_more(changes: Changes) -> Unguardable:
    return Unguardable(
        f"it would also drop or change {', '.join(changes.unkept[:5])}, which no undo holds",
        "send the statement that does it by itself, so that a person can be asked",
    )
