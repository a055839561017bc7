"""What a statement outside of a transaction leaves when it fails: a server cannot take all of it back."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import psycopg

from yett.model.errors import YettError
from yett.providers.postgres.own import Own

Broken = tuple[str, str]
"""What it is, and its name as SQL writes it."""

INDEX, PARTITION = "index", "partition"

_BROKEN = """
SELECT 'index', pg_catalog.format('%%I.%%I', n.nspname, c.relname)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid = ANY (%(oids)s::oid[]) AND NOT (i.indisvalid AND i.indisready)
UNION ALL
SELECT 'partition', pg_catalog.format('%%I.%%I', n.nspname, c.relname)
FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE h.inhdetachpending AND (h.inhparent = ANY (%(oids)s::oid[]) OR h.inhrelid = ANY (%(oids)s::oid[]))"""


async def broken(own: Own, oids: Sequence[int]) -> frozenset[Broken]:
    """Invalid indexes and half-detached partitions of these tables. Raises YettError."""
    try:
        return frozenset(await (await own.execute(_BROKEN, {"oids": list(oids)})).fetchall())
    except psycopg.Error as error:
        raise YettError(f"indexes could not be looked at: {error.sqlstate}", "try again") from None


def told_of(left: Collection[Broken]) -> str:
    """A sentence for each, with what to do; "" if nothing is left."""
    return ". ".join(_SENTENCES[what].format(name=name) for what, name in sorted(left))


_SENTENCES = {
    INDEX: "It left the invalid index {name}, which no query uses and every write pays for: DROP INDEX CONCURRENTLY"
    " {name}, then try again",
    PARTITION: "It left {name} detached by half: ALTER TABLE ... DETACH PARTITION {name} FINALIZE",
}
