"""What the values of enum types are called: they are kept by their labels, and stored by numbers.

A label that was renamed since, or given to another value, would bring back another value than was kept.
"""

from __future__ import annotations

from collections.abc import Collection

from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.own import Connection, rows

Labels = tuple[tuple[int, str], ...]
"""(oid of pg_enum, label)."""

_LABELS = sql.SQL("SELECT oid::int8, enumlabel::text FROM pg_enum WHERE enumtypid = ANY ({types}::oid[]) ORDER BY oid")
_NOW = sql.SQL("SELECT oid::int8, enumlabel::text FROM pg_enum WHERE oid = ANY ({values}::oid[])")


async def labels(own: Connection, types: Collection[int]) -> Labels:
    """Of enum types (oids)."""
    if not types:
        return ()
    return tuple((oid, label) for oid, label in await rows(own, _LABELS.format(types=_listed(types))))


async def must_have_been(own: Connection, types: Collection[int], kept: Labels) -> None:
    """Right after values were kept. Raises Unguardable: they may have been kept by other labels."""
    if await labels(own, types) != kept:
        raise Unguardable("labels of an enum type were changed while its values were kept", "run it again")


async def renamed(own: Connection, kept: Labels) -> list[tuple[str, str]]:
    """Labels (then, now) of values that are called otherwise now. A type that was made again has other numbers, and
    then its labels are all that its values were."""
    if not kept:
        return []
    then = dict(kept)
    found = await rows(own, _NOW.format(values=_listed(then)))
    return sorted((then[oid], label) for oid, label in found if then[oid] != label)


async def must_be_called_alike(own: Connection, kept: Labels) -> None:
    """After values were brought back. Raises YettError: not by the labels of what was kept."""
    if found := await renamed(own, kept):
        said = ", ".join(f"{then} is {now} now" for then, now in found[:5])
        raise YettError(
            f"labels of an enum type were renamed since, so nothing was changed: {said}",
            "name them as they were, then apply the undo again",
        )


def _listed(oids: Collection[int]) -> sql.Literal:
    return sql.Literal("{" + ",".join(str(oid) for oid in sorted(oids)) + "}")
