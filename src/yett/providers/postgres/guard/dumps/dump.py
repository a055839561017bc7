"""Keep tables whole, with their definitions, before a statement that destroys them runs.

The agent's transaction locks the tables against writers (SHARE ROW EXCLUSIVE, which pg_dump's own lock goes with), so
that nothing can change between the dump and the statement. The archive is then read back, and its rows compared with
the tables' as one snapshot shows them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from yett.providers.postgres.guard import asking
from yett.providers.postgres.guard.captured import File, Former
from yett.providers.postgres.guard.copying import keep
from yett.providers.postgres.guard.dumps import archive
from yett.providers.postgres.guard.dumps.acls import rights_on
from yett.providers.postgres.guard.dumps.dependents import (
    Dependents,
    Relation,
    dependents,
    family,
    in_schemas,
    read_by,
    relations_of,
)
from yett.providers.postgres.guard.dumps.dumped import Dump, Reference
from yett.providers.postgres.guard.dumps.heirs import as_of_now
from yett.providers.postgres.guard.dumps.inexact import inexact
from yett.providers.postgres.guard.dumps.publications import places
from yett.providers.postgres.guard.dumps.read_back import Held, archived
from yett.providers.postgres.guard.dumps.shape import Shape, shapes
from yett.providers.postgres.guard.dumps.versions import versions
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.executing import Executing
from yett.providers.postgres.guard.labels import Labels, must_have_been
from yett.providers.postgres.guard.own import Connection, answers, rows
from yett.providers.postgres.guard.rows.chain import Others, none
from yett.providers.postgres.guard.rows.taking import Taken
from yett.providers.postgres.guard.scratch import scratch
from yett.providers.postgres.guard.sink import Sink

NAME = "tables.dump"
_LOCKABLE = """
SELECT pg_catalog.count(*)::pg_catalog.text FROM pg_catalog.unnest('{{{oids}}}'::pg_catalog.oid[]) t(oid)
WHERE NOT pg_catalog.has_table_privilege(t.oid, 'UPDATE, DELETE, TRUNCATE')"""
_SHUT = """
SELECT c.relname::pg_catalog.text FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c
  ON c.oid OPERATOR(pg_catalog.=) l.relation
WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND l.granted
  AND l.mode OPERATOR(pg_catalog.=) 'AccessExclusiveLock'
  AND c.oid OPERATOR(pg_catalog.=) ANY ('{{{oids}}}'::pg_catalog.oid[])
ORDER BY 1 LIMIT 1"""
# pg_dump of 18 reads every sequence of the database; one that went is seen by all but the transaction.
_SHUT_SEQUENCES = sql.SQL("""
SELECT c.relname::text FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = {pid} AND l.granted AND l.mode = 'AccessExclusiveLock' AND c.relkind = 'S'
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1 LIMIT 1""")
_READS_ALL_SEQUENCES = 180000
_NAMED_IN_IT = sql.SQL("""
SELECT n.nspname::text, c.relname::text, c.oid::int8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY ({oids}::oid[]) AND c.relkind IN ('p', 'v', 'm')
  OR c.oid IN (SELECT conrelid FROM pg_constraint WHERE confrelid = ANY ({oids}::oid[]) AND contype = 'f')
ORDER BY 1, 2""")
_OWN_KEYS = sql.SQL("""
SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = ANY ({oids}::oid[]) AND contype = 'f' ORDER BY 1""")
_REFERENCES = sql.SQL("""
SELECT k.oid::int8, k.conname::text, c.oid::int8, n.nspname::text, c.relname::text
FROM pg_constraint k JOIN pg_class c ON c.oid = k.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.conrelid = ANY ({oids}::oid[]) AND k.contype = 'f' AND k.conparentid = 0
  AND k.confrelid <> ALL ({oids}::oid[]) ORDER BY 1""")
_IN_SCHEMAS = sql.SQL("""
SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ({schemas}::text[]) AND c.oid = ANY ({oids}::oid[])
  AND c.relkind IN ('r', 'p', 'm', 'v', 'S', 'f') ORDER BY 1, 2""")
_XID = "SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text"
_GRANTS = sql.SQL("""
SELECT n.nspname::text, coalesce(r.rolname::text, ''), a.privilege_type, a.is_grantable
FROM pg_namespace n CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE n.nspname = ANY ({names}::text[]) AND a.grantee <> n.nspowner ORDER BY 1, 2, 3""")


class Shut(Unguardable):
    """The agent's own transaction keeps everybody else from reading a table until it ends."""


@dataclass(frozen=True, slots=True)
class Dumped:
    """A dump, its file, the id that the agent's transaction has now, the relations (oids) that it brings back, and
    their shapes (by oid) as they were dumped. `versions` and `heirs`: see `Captured`."""

    dump: Dump
    file: File
    xid: int
    relations: frozenset[int]
    gaps: tuple[str, ...]
    labels: Labels
    shapes: Mapping[int, Shape]
    versions: Sequence[Taken]
    heirs: tuple[Former, ...]


async def dump(
    agent: Executing,
    own: Connection,
    oids: Sequence[int],
    schemas: Sequence[str],
    sink: Sink,
    *,
    already: Collection[int] = (),
    others: Others = none,
) -> Dumped:
    """Lock, dump, read back and compare: all that goes with these tables (oids) and schemas but for the relations
    (oids) that the transaction has dumped `already`, and may have shut for all others since. `others`: as `Guard.dump`.

    Raises:
        ServerError: the agent's role may not lock a table.
        Unguardable: something cannot be dumped, or the archive is not what the tables hold.
    """
    relations = await _all_that_goes(own, oids, schemas, already)
    await must_be_readable(agent, own, relations, schemas, already)
    await _lock(agent, relations)
    ((xid,),) = await agent.rows(_XID)
    depending = await dependents(own, relations, already, schemas)
    within = _IN_SCHEMAS.format(schemas=sql.Literal(list(schemas)), oids=sql.Literal(sorted(already)))
    selected = _selected(relations, depending.views, schemas, await rows(own, within) if schemas else ())
    with scratch() as folder:
        held = await archived(own, relations, selected, folder / NAME)
        await must_have_been(own, held.enums, held.labels)
        file = await keep(sink, NAME, _content(folder / NAME))
    kept = await _with_what_is_around(own, relations, schemas, depending, held)
    gaps = (*_gaps(depending.lost, relations, depending), *await inexact(own, held.tables, depending.covered))
    shaped = await shapes(answers(own), depending.covered)
    here = {relation.oid for relation in relations if relation.kind == "r"}
    known, back = await as_of_now(own, await others(), waits=False)
    whose = await versions(own, here, known, sink)
    former = tuple(
        Former(was, heir.table.oid, heir.columns)
        for was, heir in back.items()
        if heir.table.oid in here and heir.is_whole
    )
    return Dumped(kept, file, int(xid or 0), depending.covered, gaps, held.labels, shaped, whose, former)


async def _all_that_goes(
    own: Connection, oids: Sequence[int], schemas: Sequence[str], already: Collection[int]
) -> list[Relation]:
    relations = await family(own, {*oids, *await in_schemas(own, schemas)})
    relations = [relation for relation in relations if relation.oid not in already]
    if missing := set(oids) - {relation.oid for relation in relations}:
        raise Unguardable(f"there is no relation {min(missing)}: nobody but the transaction sees it")
    if foreign := [relation for relation in relations if relation.kind == "f"]:
        raise Unguardable(f"{foreign[0].schema}.{foreign[0].name} lies on another server", "have that server dumped")
    return relations


async def _with_what_is_around(
    own: Connection, relations: Sequence[Relation], schemas: Sequence[str], depending: Dependents, held: Held
) -> Dump:
    """What pg_dump leaves out, and what an undo compares with what it finds."""
    covered = sql.Literal(sorted(depending.covered))
    grants = await rows(own, _GRANTS.format(names=sql.Literal(list(schemas))))
    named = await rows(own, _NAMED_IN_IT.format(oids=covered))
    own_keys = await rows(own, _OWN_KEYS.format(oids=covered))
    references = await rows(own, _REFERENCES.format(oids=covered))
    views = (*depending.views, *((r.schema, r.name, r.kind) for r in relations if r.kind in ("v", "m")))
    return Dump(
        NAME,
        held.tables,
        tuple((r.schema, r.name) for r in relations if r.kind == "p"),
        tuple(schemas),
        views,
        depending.foreign_keys,
        held.next_xid,
        tuple(tuple(grant) for grant in grants),
        depending.statistics,
        oids=tuple(tuple(one) for one in named),
        own_keys=tuple(key for (key,) in own_keys),
        rights=await rights_on(own, depending.covered),
        references=tuple(Reference(*one) for one in references),
        key_comments=depending.key_comments,
        publications=await places(own, depending.covered),
        open_xids=held.open_xids,
    )


async def _lock(agent: Executing, relations: list[Relation]) -> None:
    lockable = [relation for relation in relations if relation.kind in ("r", "p")]
    if not lockable:
        return
    oids = ",".join(str(relation.oid) for relation in lockable)
    ((forbidden,),) = await agent.rows(_LOCKABLE.format(oids=oids))
    if forbidden != "0":
        raise Unguardable("the session's role may not lock a table that is to be dumped", "it may not change it either")
    here = await asking.names(agent, [relation.oid for relation in lockable])  # the transaction may have renamed them
    if missing := [relation for relation in lockable if relation.oid not in here]:
        raise Unguardable(f"{missing[0].schema}.{missing[0].name} is gone already")
    names = ", ".join(f"ONLY {here[relation.oid]}" for relation in lockable)
    await agent.rows(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")


async def must_be_readable(
    agent: Executing,
    own: Connection,
    relations: Collection[Relation],
    schemas: Collection[str] = (),
    already: Collection[int] = (),
) -> None:
    """Of relations that were there before the agent's transaction and are not dumped: it has not shut them for all
    others, nor anything else that a dump of them reads; and nothing that must go back with them is in a dump `already`.

    Raises Shut, ServerError.
    """
    if not (relations or schemas):
        return
    whole = await family(own, [relation.oid for relation in relations])  # pg_dump locks heirs with their parents
    covered = (await dependents(own, whole)).covered
    both = await relations_of(own, covered & set(already))
    read = {relation.oid for relation in whole} | covered | {one.oid for one in await read_by(own, covered, schemas)}
    shut: Sequence[Any] = [(one.name,) for one in both if one.kind in "rpvm"]
    if not shut and read:
        shut = await agent.rows(_SHUT.format(oids=",".join(map(str, sorted(read)))))
    if not shut and own.info.server_version >= _READS_ALL_SEQUENCES:
        shut = await rows(own, _SHUT_SEQUENCES.format(pid=sql.Literal(agent.pid)))
    if shut:
        raise Shut(
            f"{shut[0][0]} cannot be dumped any more: this transaction has shut it for all others until it ends, by a"
            " LOCK or by dropping an index, trigger, policy or rule of it, or its table",
            "roll back, and send both statements as one text, or this one first: then it is dumped before either runs",
        )


def _selected(
    relations: list[Relation],
    views: Sequence[tuple[str, str, str]],
    schemas: Sequence[str],
    already: Sequence[tuple[str, str]],
) -> list[str]:
    if schemas and all(relation.schema in schemas for relation in relations):
        return [*map(archive.of_schema, schemas), *(archive.without_table(schema, name) for schema, name in already)]
    if schemas:
        raise Unguardable("tables outside of the schemas that are dropped inherit from tables inside")
    named = {(relation.schema, relation.name) for relation in relations} | {(s, n) for s, n, _ in views}
    return [archive.of_table(schema, name) for schema, name in sorted(named)]


async def _content(path: Path) -> AsyncGenerator[bytes, None]:
    with path.open("rb") as file:
        while piece := file.read(archive.PIECE):
            yield piece


def _gaps(lost: Sequence[str], relations: Sequence[Relation], depending: Dependents) -> Iterable[str]:
    if lost:
        yield f"CASCADE would also drop, and this does not bring back: {', '.join(lost)}"
    computed = [f"{r.schema}.{r.name}" for r in relations if r.kind == "m"]
    computed += [f"{schema}.{name}" for schema, name, kind in depending.views if kind == "m"]
    if computed:
        yield f"materialized views are computed again, from what their tables hold then: {', '.join(computed)}"
