"""Enum types that a transaction dropped or replaced, and that tables which it dumped had columns of.

A new type of that name can go once no table uses it, and no table comes back before the old one: so the undo of a table
makes the types as they were while the table is away. The undo of the definitions finds them done; what else it holds
may need the table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured
from yett.providers.postgres.guard.copying import checked
from yett.providers.postgres.guard.own import Connection
from yett.providers.postgres.guard.rows.chain import Undone
from yett.providers.postgres.guard.words.redefined import NAME, Change
from yett.providers.postgres.guard.words.remaking import make, place_in_order
from yett.providers.postgres.guard.words.word import ENUM, as_written_by, word_from, words

_BY_HAND = "settle that one by hand"


async def changes_of(captured: Captured) -> list[Change]:
    """Of an undo of definitions, in the order in which they can be made. Raises YettError."""
    (file,) = [file for file in captured.files if file.name == NAME]
    assert captured.source is not None
    content = b"".join([piece async for piece in checked(captured.source, file)])
    try:
        listed: Any = json.loads(content)  # Any: the shape is checked by taking it apart
        found = [Change(*(word_from(one) if one else None for one in pair)) for pair in listed]
        return sorted(found, key=lambda one: place_in_order(one.what))
    except (AssertionError, TypeError, ValueError):
        raise YettError("the undo's record cannot be read", "it was written by another version of Yett") from None


async def types_of(sisters: Sequence[Undone]) -> list[Change]:
    """Of the undos of one transaction. Raises YettError."""
    kept = [await one.opened() for one in sisters if one.words and one.is_kept]
    changes = [one for captured in kept for one in await changes_of(captured)]
    return [one for one in changes if one.what.kind == ENUM and one.before]


async def types_back(connection: Connection, changes: Sequence[Change]) -> None:
    """Raises YettError: somebody has changed one since. psycopg.Error: something else uses one."""
    if not changes:
        return
    asked = await as_written_by(connection)
    now = {one.identity: one for one in await words(asked, {one.what.name for one in changes})}
    for one in changes:
        there = now.get(one.what.identity)
        if one.before is None or one.before.says(there):
            continue
        if there is not None:
            if not there.says(one.after):
                raise YettError(f"the {one.what.label} was made or changed since, so nothing was undone", _BY_HAND)
            await connection.execute(there.drop.encode())
        await make(connection, asked, one.before)
