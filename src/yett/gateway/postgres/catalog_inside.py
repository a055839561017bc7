"""The catalog as an open transaction sees it: with what it has defined itself, which nobody else sees.

It is read through the agent's own connection, in a savepoint that is rolled back, so that the search_path that these
queries need is nobody else's: whatever the agent has defined under the name of one of the server's own functions does
not run here. The lease's role may read all of it: the catalog is everybody's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol

from yett.operations.sql.catalog import FIRST_NORMAL_OID
from yett.operations.sql.queries import QUERIES
from yett.operations.sql.snapshot import Snapshot, from_rows
from yett.providers.postgres.guard.executing import Executing


class Batching(Executing, Protocol):
    """The agent's own connection, that runs several statements at once."""

    async def batch(self, statements: Sequence[str]) -> list[tuple[str | None, ...]]:
        """The rows of all of them, in order. Raises ServerError: the agent's transaction is aborted."""
        ...


_SAVEPOINT = "_yett_catalog"
_BEFORE = (f"SAVEPOINT {_SAVEPOINT}", "SET LOCAL search_path = pg_catalog, pg_temp")
_AFTER = (f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}", f"RELEASE SAVEPOINT {_SAVEPOINT}")

# The built-in ones are in every catalog alike, and two thousand rows.
_FEWER = frozenset({"relations", "functions", "operators"})

# Columns of `QUERIES`, by what JSON has to become: it writes object ids as text. o: id or int, t: text, b: bool,
# O: ids, T: texts.
_COLUMNS: Mapping[str, str] = {
    "relations": "otttttb",
    "expressions": "toT",
    "columns": "oO",
    "indexes": "oT",
    "children": "oO",
    "references": "oott",
    "triggers": "ootoo",
    "rules": "oottb",
    "functions": "otttttbttoobttOT",
    "aggregates": "oO",
    "operators": "ottooo",
    "types": "otttoOO",
    "casts": "oot",
    "comparisons": "oo",
    "event_triggers": "o",
    "encoding": "b",
}
_READ: Mapping[str, Callable[[Any], Any]] = {  # Any: what JSON holds
    "o": int,
    "t": str,
    "b": bool,
    "O": lambda found: [int(one) for one in found],
    "T": lambda found: [str(one) for one in found],
}


async def load_inside(agent: Batching, base: Snapshot, *, version: Hashable) -> Snapshot:
    """The catalog as the agent's transaction sees it now; `base` is one that was committed, and no older than needed.

    Raises:
        ServerError: the server refused; the agent's transaction is aborted.
    """
    found = await agent.batch([*_BEFORE, *(_query(name) for name in QUERIES), *_AFTER])
    return await asyncio.to_thread(_made, found, base, version)


def _query(name: str) -> str:
    columns = ", ".join(f"c{n}" for n in range(len(_COLUMNS[name])))
    fewer = f" WHERE c0 >= {FIRST_NORMAL_OID}" if name in _FEWER else ""
    return f"SELECT '{name}', row_to_json(x)::text FROM ({QUERIES[name]}) x({columns}){fewer}"


def _made(found: Sequence[tuple[str | None, ...]], base: Snapshot, version: Hashable) -> Snapshot:
    rows: dict[str, list[list[Any]]] = {name: [] for name in QUERIES}
    for name, row in found:
        shapes = _COLUMNS[name or ""]
        values = json.loads(row or "{}").values()
        rows[name or ""].append([_READ[shape](value) for shape, value in zip(shapes, values, strict=True)])
    read = from_rows(rows, version=version, search_path=base.search_path, longest_ms=base.longest_ms)
    return base.with_objects_of(read)
