"""To give tasks more of a database that is known already is an act (law 8); to give them less needs nobody.

What `yett database add` says of a database is compared with what was said of it last, or signed: one schema more,
writing where it was reading, a column less masked, a looser limit wait for a person's key. It is remembered by the
database's own id, so that neither another name nor a removal forgets it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import cast

from sqlalchemy import delete, insert, select

from yett.approvals.acts import Act
from yett.approvals.errors import NotOpen
from yett.approvals.people import Reader
from yett.gateway.databases.allowed.scopes import LIMITS, columns_from, limit_of
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.store import tables

Said = Mapping[str, Json]
"""A database's scope, as the registry has it (`scopes.scope_from`)."""

_HIDDEN, _VEILED, _OPEN = 2, 1, 0
_WORDS = {_HIDDEN: "hidden", _VEILED: "shown masked", _OPEN: "shown"}


def widened(before: Said, now: Said) -> tuple[str, ...]:
    """What later tasks could do that they could not, as a person reads it; of a database that is new, nothing."""
    if not before:
        return ()
    return (*_schemas(before, now), *_mode(before, now), *_shown(before, now), *_limits(before, now))


def known_scope(reader: Reader, database_id: str) -> Said:
    """What was said of a database when it was added last, or signed since; nothing if it never was."""
    kept = reader.execute(select(tables.meta.c.value).where(tables.meta.c.key == _key(database_id))).scalar()
    if kept is None:
        return {}
    known: dict[str, Json] = json.loads(kept)
    if "schemas" not in known:  # kept when only masks were
        row = reader.execute(select(tables.databases.c.scope).where(tables.databases.c.id == database_id)).first()
        known = {**(cast("Said", row.scope) if row else {}), **known}
    return known


def keep_scope(tx: Transaction, database_id: str, said: Said) -> None:
    """From now on more than this takes a signature."""
    tx.execute(delete(tables.meta).where(tables.meta.c.key == _key(database_id)))
    tx.execute(insert(tables.meta).values(key=_key(database_id), value=json.dumps(dict(said))))


def body_of(name: str, database_id: str, wider: Iterable[str], said: Said) -> dict[str, Json]:
    """What is signed."""
    return {
        "database": name,
        "id": database_id,
        "counts for": "every later task",
        "wider": list(wider),
        "scope": {key: value for key, value in said.items() if key != "backup"},
    }


def write_signed(tx: Transaction, act: Act, by: str, now: int) -> None:
    """The effect of the last signature, in its transaction.

    Raises:
        NotOpen: what is known has changed since it was asked, so that it would widen something else than was shown.
    """
    body = act.body
    database_id, scope = str(body["id"]), cast("Said", body["scope"])
    if list(widened(known_scope(tx, database_id), scope)) != list(cast("list[str]", body["wider"])):
        raise NotOpen(
            "drifted", "what tasks may do there has changed since this was asked", "run yett database add again"
        )
    keep_scope(tx, database_id, scope)
    tx.append(Entry("database", {"event": "widened", "act": act.id, "by": by, **dict(body)}))


def _schemas(before: Said, now: Said) -> list[str]:
    more = _texts(now, "schemas") - _texts(before, "schemas")
    return [f"schema {name} (out of reach -> within reach)" for name in sorted(more)]


def _mode(before: Said, now: Said) -> list[str]:
    return ["what is within reach (read -> write)"] if before.get("mode") == "read" != now.get("mode") else []


def _shown(before: Said, now: Said) -> list[str]:
    old, new = _degrees(before), _degrees(now)
    return [
        f"{column} ({_WORDS[degree]} -> {_WORDS[new.get(column, _OPEN)]})"
        for column, degree in sorted(old.items())
        if new.get(column, _OPEN) < degree
    ]


def _limits(before: Said, now: Said) -> list[str]:
    return [
        f"{limit.words} ({limit_of(before, limit):,} -> {limit_of(now, limit):,})"
        for limit in LIMITS
        if limit_of(now, limit) > limit_of(before, limit)
    ]


def _texts(said: Said, key: str) -> set[str]:
    listed = said.get(key)
    return {str(one) for one in listed} if isinstance(listed, list | tuple) else set()


def _degrees(said: Said) -> dict[str, int]:
    found: dict[str, int] = {}
    for kind, degree in (("veiled", _VEILED), ("masked", _HIDDEN)):
        for table, names in columns_from(sorted(_texts(said, kind))).items():
            found.update({f"{table}.{name}": degree for name in names})
    return found


def _key(database_id: str) -> str:
    return f"masks:{database_id}"
