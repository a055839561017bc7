"""Take away what is in the place of tables that come back from a dump: what is left of them, and what stands on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

import psycopg
from psycopg import sql

from yett.model.errors import YettError
from yett.providers.postgres.guard.dumps.dependents import Relation
from yett.providers.postgres.guard.dumps.dumped import Dump, Key
from yett.providers.postgres.guard.dumps.set_aside import Aside, Standing, standing_on
from yett.providers.postgres.guard.dumps.since import Now, Since
from yett.providers.postgres.guard.own import Connection

_KINDS: Mapping[str, LiteralString] = {"v": "VIEW", "m": "MATERIALIZED VIEW"}


def until_its_own_undo(aside: Relation) -> str:
    """What a relation is called that must make way, and that its own undo finds by its oid."""
    return f"{aside.name[:12]}_{aside.oid}_waits_for_its_undo"


async def make_way(own: Connection, dump: Dump, since: Since, now: Now) -> tuple[set[Key], Aside]:
    """Take away what is left of the tables or is there instead, and what stands upon it. Answers which of other tables'
    foreign keys were there, and what has to be made again.

    Raises YettError, psycopg.Error."""
    there = set[Key]()
    for key, (schema, table, name, definition) in zip(dump.keys, dump.foreign_keys, strict=True):
        if (relation := await since.named(schema, table, "rp")) is None:
            continue
        await since.must_be_its_own(relation, name, definition)
        if await since.has_key(relation, name):
            there.add(key)
            drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
            await own.execute(drop.format(relation.quoted, sql.Identifier(name)))
    for one in now.aside:
        rename = sql.SQL("ALTER TABLE {} RENAME TO {}").format(one.quoted, sql.Identifier(until_its_own_undo(one)))
        await own.execute(rename)
    views = [relation for relation in now.instead if relation.kind == "v"]
    views += await since.unchanged(dump.views)
    parents = await since.unchanged((*name, "p") for name in dump.partitioned)
    tables_there = [Relation(t.oid, t.schema, t.name, "r") for one in now.tables if (t := one.table) is not None]
    tables_there += [relation for relation in now.instead if relation.kind != "v"] + parents
    standing = await standing_on(own, {one.oid for one in (*views, *tables_there)})
    views_gone = tuple(f"{_KINDS[view.kind].lower()} {view.label}" for view in standing.views)
    aside = Aside(standing.words, standing.keys, views_gone, since.own_xids, since.kept)
    await _must_be_of_the_transaction(since, standing)
    await aside.gone(own)
    for part in standing.parts:
        await own.execute(part.drop.encode())
    functions = [one.drop.encode() for one in aside.functions]
    await _drop_each(own, [*map(_drop_view, (*views, *standing.views)), *functions])
    if tables_there:
        names = sql.SQL(", ").join([one.quoted for one in tables_there])
        await own.execute(sql.SQL("DROP TABLE {}").format(names))
    return there, aside


async def _must_be_of_the_transaction(since: Since, standing: Standing) -> None:
    """What stands upon the tables and cannot be set aside. Raises YettError."""
    theirs = [one.label for one in standing.views if not await since.made_it(one) or await since.made_since(one.oid)]
    if found := [*(f"view {label}" for label in theirs), *standing.others]:
        raise YettError(
            f"this was made since, or cannot be set aside, and depends on what is to come back: {', '.join(found)};"
            " so nothing was undone",
            "drop that first, and make it again afterwards",
        )


def _drop_view(view: Relation) -> bytes:
    return sql.SQL("DROP {} {}").format(sql.SQL(_KINDS[view.kind]), view.quoted).as_bytes()


async def _drop_each(own: Connection, drops: list[bytes]) -> None:
    """In whichever order they let each other go. Raises psycopg.Error."""
    while drops:
        left = [(drop, refused) for drop in drops if (refused := await _refused(own, drop))]
        if len(left) == len(drops):
            raise left[0][1]
        drops = [drop for drop, _ in left]


async def _refused(own: Connection, drop: bytes) -> psycopg.Error | None:
    """Why it cannot be dropped yet."""
    try:
        async with own.transaction():
            await own.execute(drop)
    except psycopg.errors.DependentObjectsStillExist as error:
        return error
    return None
