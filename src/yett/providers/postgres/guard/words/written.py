"""What of the system's catalogs a transaction took or rewrote, whatever its statements say.

Yett's own connection sees every row that was there before, and on those that are gone or replaced the id of the agent's
transaction. A row that the agent's connection has again, word for word, is as it was: a savepoint took it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from yett.providers.postgres.guard import xids as ids
from yett.providers.postgres.guard.own import Connection, rows
from yett.providers.postgres.guard.words.word import Asked
from yett.providers.postgres.guard.xids import Xids

# Follows what it is about, or is computed.
_DERIVED = ("pg_depend", "pg_shdepend", "pg_statistic", "pg_statistic_ext_data", "pg_largeobject")
# Not everybody may read them: what was written there counts as changed.
_CLOSED = frozenset({"pg_authid", "pg_user_mapping", "pg_subscription"})
_CATALOGS = sql.SQL("""
SELECT c.relname::text, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'oid')
FROM pg_class c
WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND c.relname <> ALL ({derived}::text[])
ORDER BY c.relname""")
_WHOSE = {
    "pg_attribute": "'pg_class'::regclass::oid, x.attrelid, x.attnum::int",
    "pg_index": "'pg_class'::regclass::oid, x.indexrelid, 0",
    "pg_enum": "'pg_type'::regclass::oid, x.enumtypid, 0",
    "pg_largeobject_metadata": "'pg_largeobject'::regclass::oid, x.oid, 0",
    "pg_description": "x.classoid, x.objoid, x.objsubid",
    "pg_sequence": "'pg_class'::regclass::oid, x.seqrelid, 0",
}
_BY_OID, _NOBODYS = "x.tableoid, x.oid, 0", "x.tableoid, 0::oid, 0"
# Set by CREATE TRIGGER, RULE, INDEX, VACUUM and ANALYZE on a table that is otherwise as it was.
_HINTS = "relpages,reltuples,relallvisible,relallfrozen,relhasindex,relhasrules,relhastriggers,relfrozenxid,relminmxid"
_CONTENT = {"pg_class": f"(to_jsonb(x) - '{{{_HINTS}}}'::text[])::text"}
_MARKED = """
SELECT '{catalog}', x.xmin::text, md5({content}), w.class::regclass::text, w.oid::text, w.sub::text,
  coalesce(CASE WHEN w.oid <> 0 THEN pg_describe_object(w.class, w.oid, w.sub) END, '{catalog}')
FROM {catalog} x CROSS JOIN LATERAL (VALUES ({whose})) w(class, oid, sub) WHERE x.xmax = ANY ('{xids}'::xid[])"""
_STILL = """
SELECT '{catalog}', md5({content}) FROM {catalog} x WHERE md5({content}) = ANY ('{{{digests}}}'::text[])"""
_COMMENTED = """
SELECT x.classoid::regclass::text, x.objoid::text, x.objsubid::text
FROM pg_description x WHERE x.xmin = ANY ('{xids}'::xid[])"""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a catalog that was there before. `of` ("catalog:oid") is what it belongs to, described in `label`."""

    catalog: str
    version: str
    digest: str
    of: str
    sub: int
    label: str


async def changed_rows(own: Asked, agent: Asked, connection: Connection, xids: Xids) -> list[Row]:
    """Those that the agent's transaction does not see any more as they were. Both are asked under `SETTINGS`."""
    marks = ids.listed(xids.possible | await ids.multixacts(connection, xids))
    catalogs = await rows(connection, _CATALOGS.format(derived=sql.Literal(list(_DERIVED))))
    query = " UNION ALL ".join(
        _MARKED.format(
            catalog=name,
            content=_CONTENT.get(name, "x::text"),
            xids=marks,
            whose=_WHOSE.get(name, _BY_OID if has_oid else _NOBODYS),
        )
        for name, has_oid in catalogs
    )
    found = [_row([one or "" for one in each]) for each in await own(query)]
    still = await _still(agent, found)
    return [one for one in found if (one.catalog, one.digest) not in still]


async def commented(agent: Asked, xids: Xids) -> list[tuple[str, int, int]]:
    """What the transaction wrote a comment on: catalog, oid, column."""
    found = await agent(_COMMENTED.format(xids=ids.listed(xids.possible)))
    return [(a or "", int(b or 0), int(c or 0)) for a, b, c in found]


async def _still(agent: Asked, found: Sequence[Row]) -> set[tuple[str, str]]:
    by_catalog: dict[str, set[str]] = {}
    for one in found:
        if one.catalog not in _CLOSED:
            by_catalog.setdefault(one.catalog, set()).add(one.digest)
    if not by_catalog:
        return set()
    query = " UNION ALL ".join(_of(by_catalog))
    return {(catalog or "", digest or "") for catalog, digest in await agent(query)}


def _of(by_catalog: Mapping[str, set[str]]) -> list[str]:
    return [
        _STILL.format(catalog=one, content=_CONTENT.get(one, "x::text"), digests=",".join(sorted(digests)))
        for one, digests in by_catalog.items()
    ]


def _row(found: Sequence[str]) -> Row:
    catalog, version, digest, whose, oid, sub, label = found
    return Row(catalog, version, digest, f"{whose}:{oid}", int(sub), label)
