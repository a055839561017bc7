"""From statements, and what they did in their open transaction, to the attempt that the checkpoint decides. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from yett.gateway.databases.registry import POSTGRES, Database
from yett.gateway.databases.shown.expected import expected
from yett.gateway.databases.shown.looking import About
from yett.gateway.postgres.messages import Binary
from yett.model.canonical import Json, digest
from yett.model.effects import Effect, Recovery
from yett.model.identity import Session
from yett.model.operation import Amount, Attempt, Governed, Operation, Rows
from yett.model.resource import Resource, ResourceRef
from yett.model.undo import OwnUndo
from yett.operations.sql.statement import Statement, Touched, Verb, Way

WIRE = "postgres"
DOMAIN = "yett/sql/v1"
MOST_DELETED, MOST_CHANGED = 100, 1_000
"""Rows of one transaction: more of them is more than a task's own words ("clean up the test user") would say."""

BESIDE = 10
"""Rows that a trigger may update in other tables (a counter, a time) beside an act that deletes none."""

_SUMMARY = 240
_SAME_TEXT = frozenset({0, 20, 21, 23, 25, 114, 705, 1043, 2950})
"""Types (OIDs) of parameters whose text no setting changes: none declared, integers, text, json, unknown, uuid."""
NOTHING: Mapping[int, About] = MappingProxyType({})
NO_GUESS: Mapping[int, int] = MappingProxyType({})
_BEYOND = ".beyond"
ADDS_UP = ".many"
"""Before `.beyond`: each of the task's acts was small, and all of them together are not (`so_far.py`)."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A statement that ran, or is to run, with what was bound to it, and the text that an EXECUTE runs.

    `types`: what was declared for its parameters, OIDs. `settings`: those of the session that are not as usual,
    "name=value". `copied`: SHA-256 of the rows that a COPY FROM STDIN was given, once they are there. `made`: relations
    that it touches and that its own transaction has made, which nobody else knows. `any_values`: what is signed of it
    is its form, see `by_themselves.py`. `few`: it deleted or updated one row at most, with all that it set off.
    """

    statement: Statement
    parameters: tuple[bytes | None, ...] = ()
    prepared: str = ""
    copied: str = ""
    types: tuple[int, ...] = ()
    settings: tuple[str, ...] = ()
    made: frozenset[int] = frozenset()
    any_values: bool = False
    few: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """One relation with what really happened to it."""

    oid: int
    rows: Rows


def reading(session: Session, database: Database, sql: bytes, statements: Sequence[Statement], lease: str) -> Attempt:
    """Proven reads: of the relations that they name, or of the database."""
    touched = _unique(touched for statement in statements for touched in statement.touched)
    return _attempt(
        session,
        database,
        Operation("postgres:read", Effect.READ, Recovery.AUTOMATIC, _target(database, touched), WIRE),
        touched,
        hashlib.sha256(sql).hexdigest(),
        lease,
        statements,
    )


def planned(
    session: Session,
    database: Database,
    ran: Sequence[Ran],
    lease: str,
    undo: OwnUndo | None,
    known: Mapping[int, About] = NOTHING,
    guessed: Mapping[int, int] = NO_GUESS,
    counted: tuple[Rows, ...] = (),
    *,
    too_slow: bool = False,
) -> Attempt:
    """What is asked before it runs.

    `known`: what was seen of its tables, all rows of those that it destroys. `guessed`: the server's own estimate of
    the rows that it changes, by relation. `counted`: what it did when it last ran, and was rolled back. `too_slow`: it
    is guarded, and could not be measured within its time.
    """
    statements = [one.statement for one in ran]
    worst = max(statements, key=lambda statement: statement.effect.harm)
    guarded = all(statement.way in (Way.PASS, Way.GUARD) for statement in statements)
    recovery = max(map(_recovery, statements), key=_SEVERITY.index)
    touched = _unique(touched for statement in statements for touched in statement.touched)
    operation = Operation(
        action=f"postgres:{_action(worst, guarded=guarded)}{_BEYOND if too_slow else ''}",
        effect=Effect.UNKNOWN if worst.effect is Effect.READ and not guarded else worst.effect,
        recovery=recovery,
        target=_target(database, touched, frozenset().union(*(one.made for one in ran))),
        wire=WIRE,
        parameters=_parameters(ran),
        cascade=(),
        cost=Amount(deletes=_dropped(statements)),
        rows=counted or expected(statements, known, guessed),
    )
    return _attempt(session, database, operation, touched, digest_of(ran), lease, statements, undo, known)


def measured(
    session: Session,
    database: Database,
    ran: Sequence[Ran],
    changed: Sequence[Changed],
    lease: str,
    undo: OwnUndo,
    known: Mapping[int, About] = NOTHING,
    *,
    made: Collection[int] = (),
    adds_up: bool = False,
) -> Attempt:
    """What a transaction did, row by row, before it becomes final. `made`: relations that it made itself. `adds_up`:
    with what the task did before it."""
    statements = [one.statement for one in ran]
    deleted = sum(one.rows.deleted for one in changed)
    total = deleted + sum(one.rows.updated + one.rows.inserted for one in changed)
    effect = Effect.DELETE if deleted else Effect.WRITE
    beyond = _BEYOND if _reaches_beyond(ran, changed) else f"{ADDS_UP}{_BEYOND}" if adds_up else ""
    tables = tuple(Touched(one.oid, "", one.rows.table, Verb.UPDATE) for one in changed)
    operation = Operation(
        action=f"postgres:{effect.value}{beyond}",
        effect=effect,
        recovery=Recovery.FROM_UNDO,
        target=_target(database, tables, made),
        wire=WIRE,
        parameters={**_parameters(ran), "changes": [[one.rows.table, _verbs(one.rows)] for one in changed]},
        cost=Amount(rows=total),
        rows=tuple(one.rows for one in changed),
    )
    return _attempt(session, database, operation, tables, digest_of(ran), lease, statements, undo, known)


def reaches_beyond(attempt: Attempt) -> bool:
    """Whether the policy will be told that it reaches further than its own words."""
    return any(operation.action.endswith(_BEYOND) for operation in attempt.operations)


def lasts(ran: Sequence[Ran]) -> bool:
    """Whether a person's yes counts until the task ends: to one statement by itself, with values that are the same text
    whatever the session has set."""
    return len(ran) == 1 and ran[0].statement.lasts and _SAME_TEXT.issuperset(ran[0].types)


def touched_oids(ran: Sequence[Ran]) -> list[int]:
    """Relations that the statements do more to than read them."""
    touched = (one for ran_one in ran for one in ran_one.statement.touched if one.verb is not Verb.READ and one.oid)
    return sorted({one.oid for one in touched})


def _reaches_beyond(ran: Sequence[Ran], changed: Sequence[Changed]) -> bool:
    """Whether it does more than its own words say: too much, any row there is, or tables that it does not name. Where
    there is but one row (a lock, a setting), those are words as good as its key."""
    named = frozenset[int]().union(*(one.statement.named for one in ran))
    deleted = sum(one.rows.deleted for one in changed)
    updated = sum(one.rows.updated for one in changed)
    others = [one.rows for one in changed if one.oid not in named]
    elsewhere = any(one.deleted for one in others) or sum(one.updated for one in others) > (0 if deleted else BESIDE)
    unbounded = any(one.statement.unbounded and not one.few for one in ran) and deleted + updated > 0
    return elsewhere or unbounded or deleted > MOST_DELETED or deleted + updated > MOST_CHANGED


def _recovery(statement: Statement) -> Recovery:
    """What runs guarded leaves its rows outside before it is final; of the rest the statement itself says."""
    return Recovery.FROM_UNDO if statement.way is Way.GUARD else statement.recovery


def _action(worst: Statement, *, guarded: bool) -> str:
    """What is not guarded needs a person wherever it stands: the schema is everybody's, and a table's lock, too."""
    if guarded or worst.effect in (Effect.ADMIN, Effect.UNKNOWN):  # the latter wait for a person whatever they do
        return worst.effect.value
    if worst.effect is Effect.DELETE and worst.way in (Way.DUMP, Way.ALONE):
        return f"drop{_BEYOND}"
    return f"{'define' if worst.way is Way.DUMP else worst.effect.value}{_BEYOND}"


def _dropped(statements: Iterable[Statement]) -> int:
    """DROP and TRUNCATE count against a task's deletes one by one; of others the rows count."""
    return sum(1 for one in statements if one.way in (Way.DUMP, Way.ALONE) and one.effect is Effect.DELETE)


_SEVERITY = (Recovery.AUTOMATIC, Recovery.FROM_UNDO, Recovery.FROM_BACKUP, Recovery.UNKNOWN, Recovery.NONE)


def _verbs(rows: Rows) -> str:
    named = (("delete", rows.deleted), ("update", rows.updated), ("insert", rows.inserted))
    return " ".join(verb for verb, count in named if count)


def _parameters(ran: Sequence[Ran]) -> dict[str, Json]:
    """What the agent wrote, and bound: it is signed, sealed with the hold, and never in the log."""
    statements: list[Json] = [one.statement.redacted if one.any_values else one.statement.text for one in ran]
    bound: list[Json] = [[] if one.any_values else [_shown(value) for value in one.parameters] for one in ran]
    found: dict[str, Json] = {"statements": statements}
    if any(bound):
        found["bound"] = bound
    if any(one.any_values for one in ran):
        found["any_values"] = [number for number, one in enumerate(ran) if one.any_values]
    if any(one.types for one in ran):
        found["types"] = [list(one.types) for one in ran]
    if any(one.prepared for one in ran):
        found["prepared"] = [one.prepared for one in ran]
    if any(one.settings for one in ran):
        found["settings"] = [list(one.settings) for one in ran]
    if any(one.copied for one in ran):
        found["copied"] = [one.copied for one in ran]
    if lasts(ran):
        found["lasting"] = True
    return found


def _shown(value: bytes | None) -> Json:
    if value is None:
        return None
    if isinstance(value, Binary):  # not the characters that the same bytes would be
        return {"binary": value.hex()}
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()


def digest_of(ran: Sequence[Ran]) -> str:
    """The same for the same statements with the same values bound, whatever they do."""
    return digest(DOMAIN, _parameters(ran))


def _target(database: Database, touched: Sequence[Touched], made: Collection[int] = ()) -> Governed:
    """What the transaction has made is nothing yet to anybody else, and has another oid when it is sent again."""
    refs = tuple(dict.fromkeys(database.table(0 if one.oid in made else one.oid) for one in touched))
    return Governed(POSTGRES, refs or (database.ref,))


def _attempt(
    session: Session,
    database: Database,
    operation: Operation,
    touched: Sequence[Touched],
    request: str,
    lease: str,
    statements: Sequence[Statement],
    undo: OwnUndo | None = None,
    known: Mapping[int, About] = NOTHING,
) -> Attempt:
    names = {database.table(one.oid): f"{one.schema}.{one.name}".lstrip(".") for one in touched}
    assert isinstance(operation.target, Governed)
    return Attempt(
        session,
        WIRE,
        (operation,),
        request,
        lease,
        _summary(database, statements),
        undo=undo,
        resources=tuple(_resource(database, ref, names, known) for ref in operation.target.resources),
    )


def _resource(
    database: Database, ref: ResourceRef, names: Mapping[ResourceRef, str], known: Mapping[int, About]
) -> Resource:
    if ref == database.ref:
        return database.resource()
    about = known.get(int(ref.id.rpartition("/")[2]))
    return Resource(
        ref,
        names.get(ref, ""),
        (database.stands_in,),
        size_bytes=about.size_bytes if about else None,
        dependants=about.dependants if about else (),
        copies=about.copies if about else (),
        parents=(database.ref,),
    )


def _summary(database: Database, statements: Sequence[Statement]) -> str:
    """One line without a literal: constants are placeholders in it."""
    said = "; ".join(" ".join(statement.redacted.split()) for statement in statements)
    cut = said if len(said) <= _SUMMARY else said[: _SUMMARY - 1] + "…"
    return f"{database.name}: {cut}"


def _unique(touched: Iterable[Touched]) -> tuple[Touched, ...]:
    """Each relation once, by the worst that is done to it."""
    found: dict[tuple[int, str, str], Touched] = {}
    for one in touched:
        key = (one.oid, one.schema, one.name)
        if key not in found or (found[key].verb is Verb.READ and one.verb is not Verb.READ):
            found[key] = one
    return tuple(found.values())
