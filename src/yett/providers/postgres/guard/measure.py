"""Measure what a transaction did: counts of its own session, and its locks as Yett's own connection sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from yett.providers.postgres.guard import asking
from yett.providers.postgres.guard.effects import Effects, TableEffect, Unguardable
from yett.providers.postgres.guard.executing import Executing
from yett.providers.postgres.guard.own import Connection, rows

# Locks of statements that change definitions or rewrite files; DML takes RowExclusiveLock at most (manual, 13.3.1).
_REWRITES = frozenset({"ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"})
_WITH_CONTENT = frozenset("rpmSvf")
_SYSTEM = frozenset({"pg_catalog", "information_schema"})
# What ANALYZE writes of its own accord.
_STATISTICS = frozenset({"pg_statistic", "pg_statistic_ext_data"})
# What making and dropping a temporary table writes; a row that is updated there is something else.
_OF_TEMPORARY = frozenset(
    {
        "pg_class",
        "pg_attribute",
        "pg_type",
        "pg_depend",
        "pg_shdepend",
        "pg_attrdef",
        "pg_constraint",
        "pg_index",
        "pg_sequence",
        "pg_namespace",
    }
)
_LOCKS = sql.SQL("""
SELECT l.locktype, l.mode, coalesce(l.relation, 0)::int8, c.relkind::text, c.relpersistence::text,
  n.nspname || '.' || c.relname,
  CASE WHEN l.locktype = 'object' THEN pg_describe_object(l.classid, l.objid, l.objsubid) END
FROM pg_locks l LEFT JOIN pg_class c ON c.oid = l.relation LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = {pid} AND l.granted AND l.locktype IN ('relation', 'object', 'advisory')
  AND l.database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))""")


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock that the agent's backend holds. `name` is empty for a relation that only its transaction sees."""

    kind: str
    mode: str
    relation: int
    relkind: str
    temporary: bool
    name: str

    @property
    def rewrites(self) -> bool:
        return self.kind == "relation" and self.mode in _REWRITES and self.relkind != "t" and not self.temporary

    @property
    def may_destroy(self) -> bool:
        """Nobody can read it now, and it was there before: its rows or its definition may be gone."""
        return self.rewrites and self.mode == "AccessExclusiveLock" and self.relkind in _WITH_CONTENT


@dataclass(frozen=True, slots=True)
class Measured:
    """`Effects`; by oid, what existed before and is not there any more as it was; and what nobody else can read now."""

    effects: Effects
    destroyed: dict[int, str]
    locked: frozenset[int]


async def measured(agent: Executing, own: Connection, before: asking.Counts) -> Measured:
    """Everything since `before`, after letting run what would have run at COMMIT.

    Raises:
        ServerError: a deferred constraint is violated.
        Unguardable: something ran that cannot be measured.
    """
    await asking.run_what_waits_for_commit(agent)
    state = await asking.state(agent)
    if not state.xid:
        return Measured(Effects((), (), 0), {}, frozenset())
    after = await asking.counts(agent)
    locks = await _locks(agent, own)
    if foreign := [lock.name for lock in locks if lock.relkind == "f" and lock.mode == "RowExclusiveLock"]:
        raise Unguardable(
            f"it writes to another server through the foreign table {foreign[0]}: nobody here can undo that",
            "run it against that server's own database",
        )
    changed = dict(_changed(before, after))
    tables = [TableEffect(oid, *values) for oid, values in changed.items() if _is_user_table(values[0])]
    rewritten = {lock.name for lock in locks if lock.rewrites}
    objects = {lock.name for lock in locks if lock.kind == "object" and lock.mode == "AccessExclusiveLock"}
    catalogs = _catalogs(changed.values(), any(lock.temporary and lock.mode in _REWRITES for lock in locks))
    locked = {lock.relation: lock.name for lock in locks if lock.may_destroy}
    effects = Effects(
        tuple(sorted(tables, key=lambda table: (table.schema, table.name))),
        tuple(sorted({*rewritten, *objects, *catalogs})),
        state.xid,
        tuple(_gaps(locks)),
    )
    return Measured(effects, await _destroyed(agent, own, locked), frozenset(locked))


async def _destroyed(agent: Executing, own: Connection, locked: dict[int, str]) -> dict[int, str]:
    if not locked:
        return {}
    query = asking.shapes_query(locked)
    ours = {int(oid): shape for oid, shape in await rows(own, sql.SQL(query))}
    theirs = {int(oid or 0): shape for oid, shape in await agent.rows(query)}
    return {oid: name for oid, name in locked.items() if ours.get(oid) != theirs.get(oid)}


async def _locks(agent: Executing, own: Connection) -> list[Lock]:
    found = await rows(own, _LOCKS.format(pid=sql.Literal(agent.pid)))
    unseen = {relation for kind, _, relation, relkind, *_ in found if kind == "relation" and relkind is None}
    made = await asking.made(agent, unseen)
    locks = []
    for kind, mode, relation, relkind, persistence, name, described in found:
        new_name, new_is_temporary = made.get(relation, (f"relation {relation}", False))
        temporary = persistence == "t" or (relkind is None and new_is_temporary)
        locks.append(Lock(kind, mode, relation, relkind or "", temporary, name or described or new_name))
    return locks


def _changed(before: asking.Counts, after: asking.Counts) -> Iterable[tuple[int, tuple[str, str, int, int, int]]]:
    for oid, (schema, name, *now) in after.items():
        then = before.get(oid, (schema, name, 0, 0, 0))[2:]
        deleted, updated, inserted = (n - t for n, t in zip(now, then, strict=True))
        if min(deleted, updated, inserted) < 0:
            raise Unguardable(f"the server's counts of {schema}.{name} went backwards", "run the statement again")
        if deleted or updated or inserted:
            yield oid, (schema, name, deleted, updated, inserted)


def _is_user_table(schema: str) -> bool:
    return schema not in _SYSTEM and not schema.startswith(("pg_toast", "pg_temp_"))


def _catalogs(changed: Iterable[tuple[str, str, int, int, int]], temporary_tables: bool) -> Iterable[str]:
    for schema, name, _, updated, _ in changed:
        if schema not in _SYSTEM or name in _STATISTICS:
            continue
        if not (temporary_tables and name in _OF_TEMPORARY and not updated):
            yield f"{schema}.{name}"


def _gaps(locks: list[Lock]) -> Iterable[str]:
    sequences = sorted({lock.name for lock in locks if lock.relkind == "S" and not lock.temporary})
    if sequences:
        yield "sequences keep the numbers that were drawn or set: " + ", ".join(sequences)
    if any(lock.kind == "advisory" for lock in locks):
        yield "advisory locks that it took"
    yield "messages that it sent with NOTIFY"
