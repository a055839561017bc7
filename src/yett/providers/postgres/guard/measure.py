"""Measure what a transaction did: counts of its own session, and its locks as Yett's own connection sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from yett.providers.postgres.guard import asking
from yett.providers.postgres.guard import xids as ids
from yett.providers.postgres.guard.effects import Effects, TableEffect, Unguardable
from yett.providers.postgres.guard.executing import Executing
from yett.providers.postgres.guard.own import Connection, row, rows

# Locks of statements that change definitions or rewrite files; DML takes RowExclusiveLock at most (manual, 13.3.1).
_REWRITES = frozenset({"ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"})
_WITH_CONTENT = frozenset("rpmSvf")
_SYSTEM = frozenset({"pg_catalog", "information_schema"})
# What ANALYZE writes of its own accord.
_STATISTICS = frozenset({"pg_catalog.pg_statistic", "pg_catalog.pg_statistic_ext_data"})
# What making and dropping a temporary table writes, and how to tell a row of such a table there: all others count.
_OF_TEMPORARY = {
    "pg_class": "x.relpersistence = 't'",
    "pg_attribute": "x.attrelid IN (SELECT oid FROM pg_class WHERE relpersistence = 't')",
    "pg_type": "x.typnamespace IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_')",
    "pg_constraint": "x.connamespace IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_')",
    "pg_attrdef": "x.adrelid IN (SELECT oid FROM pg_class WHERE relpersistence = 't')",
    "pg_index": "x.indrelid IN (SELECT oid FROM pg_class WHERE relpersistence = 't')",
    "pg_sequence": "x.seqrelid IN (SELECT oid FROM pg_class WHERE relpersistence = 't')",
    "pg_namespace": "false",
    "pg_depend": "true",  # follows what it is about
    "pg_shdepend": "true",
}
_CHANGED_BEFORE = "SELECT count(*) FROM {catalog} x WHERE x.xmax = ANY ({{xids}}::xid[]) AND NOT ({temporary})"
_LOCKS = sql.SQL("""
SELECT l.locktype, l.mode, coalesce(l.relation, 0)::int8, c.relkind::text,
  coalesce(c.relpersistence = 't', false) OR coalesce(o.temporary, false), n.nspname || '.' || c.relname, o.described
FROM pg_locks l LEFT JOIN pg_class c ON c.oid = l.relation LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
  SELECT CASE WHEN l.locktype = 'object' THEN pg_describe_object(l.classid, l.objid, l.objsubid) END AS described,
    (SELECT s.nspname ~ '^pg_(toast_)?temp_' FROM pg_namespace s WHERE s.oid = CASE l.classid
      WHEN 'pg_type'::regclass THEN (SELECT typnamespace FROM pg_type WHERE oid = l.objid)
      WHEN 'pg_constraint'::regclass THEN (SELECT connamespace FROM pg_constraint WHERE oid = l.objid)
      WHEN 'pg_attrdef'::regclass THEN
        (SELECT t.relnamespace FROM pg_attrdef d JOIN pg_class t ON t.oid = d.adrelid WHERE d.oid = l.objid)
    END) AS temporary
  WHERE l.locktype = 'object'
) o ON true
WHERE l.pid = {pid} AND l.granted AND l.locktype IN ('relation', 'object', 'advisory')
  AND l.database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))""")


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock that the agent's backend holds. `name` is "" for what was both made and dropped by its transaction."""

    kind: str
    mode: str
    relation: int
    relkind: str
    temporary: bool
    name: str

    @property
    def rewrites(self) -> bool:
        return self.kind == "relation" and self.mode in _REWRITES and self.relkind != "t" and self.lasts

    @property
    def lasts(self) -> bool:
        return bool(self.name) and not self.temporary

    @property
    def may_destroy(self) -> bool:
        """Nobody can read it now, and it was there before: its rows or its definition may be gone."""
        return self.rewrites and self.mode == "AccessExclusiveLock" and self.relkind in _WITH_CONTENT


@dataclass(frozen=True, slots=True)
class Measured:
    """`Effects`; by oid, what existed before and is not there any more as it was; and what nobody else can read now.

    `counts`: of temporary tables and catalogs, too. What a deferred trigger leaves to COMMIT once more it can only have
    from a row that it changed, so where a second measuring finds the same counts, nothing is left.
    """

    effects: Effects
    destroyed: dict[int, str]
    locked: frozenset[int]
    counts: asking.Counts


async def measured(agent: Executing, own: Connection, before: asking.Counts) -> Measured:
    """Everything since `before`, after letting run what would have run at COMMIT.

    Raises:
        ServerError: a deferred constraint is violated.
        Unguardable: something ran that cannot be measured.
    """
    await asking.run_what_waits_for_commit(agent)
    state = await asking.state(agent)
    if not state.xid:
        return Measured(Effects((), (), 0), {}, frozenset(), {})
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
    objects = {
        lock.name for lock in locks if lock.kind == "object" and lock.mode == "AccessExclusiveLock" and lock.lasts
    }
    catalogs = {f"{schema}.{name}" for schema, name, *_ in changed.values() if schema in _SYSTEM} - _STATISTICS
    if any(lock.kind == "relation" and lock.mode in _REWRITES and not lock.lasts for lock in locks):
        catalogs = await _without_temporary(own, agent.pid, state, catalogs)
    locked = {lock.relation: lock.name for lock in locks if lock.may_destroy}
    effects = Effects(
        tuple(sorted(tables, key=lambda table: (table.schema, table.name))),
        tuple(sorted({*rewritten, *objects, *catalogs})),
        state.xid,
        tuple(_gaps(locks)),
    )
    return Measured(effects, await _destroyed(agent, own, locked), frozenset(locked), after)


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
    for kind, mode, relation, relkind, temporary, name, described in found:
        new_name, new_is_temporary = made.get(relation, ("", False))
        locks.append(
            Lock(kind, mode, relation, relkind or "", temporary or new_is_temporary, name or described or new_name)
        )
    return locks


async def _without_temporary(own: Connection, pid: int, state: asking.State, catalogs: set[str]) -> set[str]:
    """Leave out catalogs in which only rows of temporary tables were changed, and of what is gone again: Yett's own
    connection sees every row that was there before, with the agent's mark on those that it changed."""
    xids = await ids.find(own, pid, state.xid, state.next_multixact)
    found = set()
    for catalog in catalogs:
        temporary = _OF_TEMPORARY.get(catalog.removeprefix("pg_catalog."))
        if temporary is not None:
            query = sql.SQL(_CHANGED_BEFORE.format(catalog=catalog, temporary=temporary))
            (number,) = await row(own, query.format(xids=ids.literal(xids.possible)))
            if not number:
                continue
        found.add(catalog)
    return found


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


def _gaps(locks: list[Lock]) -> Iterable[str]:
    sequences = sorted({lock.name for lock in locks if lock.relkind == "S" and not lock.temporary})
    if sequences:
        yield "sequences keep the numbers that were drawn or set: " + ", ".join(sequences)
    if any(lock.kind == "advisory" for lock in locks):
        yield "advisory locks that it took"
    yield "messages that it sent with NOTIFY"
