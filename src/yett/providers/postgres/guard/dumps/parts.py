"""What hangs on a table's definition under a name of its own.

What somebody drops later leaves no mark, so the names that a transaction left are written down.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from yett.providers.postgres.guard.executing import Executing

_PARTS = " UNION ALL ".join(
    f"SELECT {relation}::pg_catalog.text, pg_catalog.concat('{what} ', {name}) FROM {source}"
    f" WHERE {relation} OPERATOR(pg_catalog.=) ANY ('{{{{{{oids}}}}}}'::pg_catalog.oid[]){but}"
    for what, relation, name, source, but in (
        ("index", "i.indrelid", "c.relname",
         "pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid", ""),
        ("constraint", "k.conrelid", "k.conname", "pg_catalog.pg_constraint k", ""),
        ("trigger", "t.tgrelid", "t.tgname", "pg_catalog.pg_trigger t", " AND NOT t.tgisinternal"),
        ("policy", "p.polrelid", "p.polname", "pg_catalog.pg_policy p", ""),
        ("rule", "r.ev_class", "r.rulename", "pg_catalog.pg_rewrite r", ""),
        ("statistic", "s.stxrelid", "s.stxname", "pg_catalog.pg_statistic_ext s", ""),
        ("place in the publication", "r.prrelid", "p.pubname",
         "pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_publication p ON p.oid OPERATOR(pg_catalog.=) r.prpubid",
         ""),
        ("comment on column", "d.objoid", "d.objsubid",
         "pg_catalog.pg_description d",
         " AND d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass"),
    )
)  # fmt: skip


async def parts(agent: Executing, oids: Collection[int]) -> dict[int, list[str]]:
    """By relation, as the agent's transaction sees them. Raises ServerError."""
    return by_relation(await agent.rows(parts_query(oids))) if oids else {}


def parts_query(oids: Collection[int]) -> str:
    """Of relation and part. Everything is qualified: it runs in the agent's session, too."""
    return _PARTS.format(oids=",".join(str(int(oid)) for oid in sorted(oids)))


def by_relation(found: Iterable[tuple[str | None, ...]]) -> dict[int, list[str]]:
    named: dict[int, list[str]] = {}
    for relation, part in found:
        named.setdefault(int(relation or 0), []).append(part or "")
    return {relation: sorted(names) for relation, names in named.items()}
