"""Unmasking is an act (law 8): a person's key signs which columns are shown, of which database, to whom, until when.

Two bodies of one kind of act. To one session: the lease is granted the columns and the wire stops masking them, until
then or until the session ends. To every later lease: what `yett database add` says of a database that is known already
may mask more, and never less, unless that was signed. It is remembered by the database's own id, so that neither
another name nor a removal forgets it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import cast

from sqlalchemy import Connection, delete, insert, select

from yett.approvals.acts import Act
from yett.gateway.databases.scopes import columns_from
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.providers.postgres.scope import Columns
from yett.store import tables

Said = Mapping[str, Json]
"""{"masked": [...], "veiled": [...]}, as `yett database add` takes them."""

_HIDDEN, _VEILED, _OPEN = 2, 1, 0


def loosened(before: Said, now: Said) -> tuple[str, ...]:
    """Columns that would be less masked than they were, as a person reads them."""
    old, new = _degrees(before), _degrees(now)
    return tuple(
        f"{column} ({_WORDS[degree]} -> {_WORDS[new.get(column, _OPEN)]})"
        for column, degree in sorted(old.items())
        if new.get(column, _OPEN) < degree
    )


def known_masks(reader: Connection, database_id: str) -> Said:
    """What was masked in a database when it was added last; nothing if it never was."""
    value = reader.execute(select(tables.meta.c.value).where(tables.meta.c.key == _key(database_id))).scalar()
    return dict(json.loads(value)) if value else {}


def keep_masks(tx: Transaction, database_id: str, said: Said) -> None:
    """From now on less than this takes a signature."""
    kept = {kind: sorted(map(str, cast("Collection[Json]", said.get(kind) or ()))) for kind in ("masked", "veiled")}
    tx.execute(delete(tables.meta).where(tables.meta.c.key == _key(database_id)))
    tx.execute(insert(tables.meta).values(key=_key(database_id), value=json.dumps(kept)))


def body_for_all(name: str, database_id: str, less: Collection[str], said: Said) -> dict[str, Json]:
    """What is signed to mask less in a database from now on."""
    return {
        "database": name,
        "id": database_id,
        "shown to": "every later task",
        "less masked": list(less),
        "masked": list(cast("list[Json]", said.get("masked") or [])),
        "veiled": list(cast("list[Json]", said.get("veiled") or [])),
    }


def write_signed(tx: Transaction, act: Act, by: str, now: int) -> None:
    """The effect of the last signature, in its transaction; a session's lease is granted the columns after it."""
    body = act.body
    tx.append(Entry("unmask", {"act": act.id, "by": by, **dict(body)}))
    if "session" not in body:
        keep_masks(tx, str(body["id"]), body)


def write_allowed(tx: Transaction, act: Act, by: str, now: int) -> None:
    """A session may be sent more: the same for what it may read."""
    tx.append(Entry("budget", {"act": act.id, "by": by, **dict(act.body)}))


def columns_of(act: Act) -> Columns:
    listed = act.body.get("columns")
    return columns_from([str(one) for one in listed] if isinstance(listed, list | tuple) else [])


def _degrees(said: Said) -> dict[str, int]:
    found: dict[str, int] = {}
    for kind, degree in (("veiled", _VEILED), ("masked", _HIDDEN)):
        listed = said.get(kind)
        for table, names in columns_from([str(one) for one in listed] if isinstance(listed, list) else []).items():
            found.update({f"{table}.{name}": degree for name in names})
    return found


def _key(database_id: str) -> str:
    return f"masks:{database_id}"


_WORDS = {_HIDDEN: "hidden", _VEILED: "shown masked", _OPEN: "shown"}
