"""Which earlier dumps' transactions left tables as they are, right before they are dumped again.

A table that comes back from a dump has new rows, new catalog rows and a new oid: nothing in it tells any more whether
somebody changed it between an earlier transaction and that dump. So it is asked when it is dumped, under the lock that
keeps writers out, and written down beside the dump: with it the undos go back step by step, through a DROP, too.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

import psycopg

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured
from yett.providers.postgres.guard.dumps.dumped import Dump
from yett.providers.postgres.guard.dumps.heirs import NO_HEIRS, Heirs, as_of_now
from yett.providers.postgres.guard.dumps.since import NO_WRITERS, Since
from yett.providers.postgres.guard.dumps.versions import writers
from yett.providers.postgres.guard.own import Connection, Own, opened
from yett.providers.postgres.guard.rows.chain import Undone
from yett.providers.postgres.guard.table import tables
from yett.providers.postgres.guard.xids import EPOCH

AS_LEFT_BY = "as_left_by"
"""In an undo's record: the ids of such earlier undos. Rows that its `versions` hold do not count."""

_MOST = 8
"""Earlier undos that are asked about, the newest first."""
_SECONDS = 10.0
"""For all of them: whoever writes to these tables waits meanwhile."""
_LIMITS = "SET LOCAL lock_timeout = '250ms'"


def since_of(
    own: Connection,
    captured: Captured,
    dump: Dump,
    others: Sequence[Undone],
    *,
    back: Heirs = NO_HEIRS,
    known: Mapping[int, frozenset[int]] = NO_WRITERS,
    locks: bool = True,
) -> Since:
    """Compares with a dump: what its transaction's other undos did counts as its own, and what undos by later dumps did
    that were made of what it left. `back`, `known`: as of `Since`."""
    whose = captured.system, captured.xid
    of_it = [one for one in others if (one.known.system, one.known.xid) == whose]
    mine = {one.id for one in of_it if one.known.dump and one.known.files == captured.files}
    after = [one for one in others if mine & one.as_left_by]
    return Since(
        own,
        captured,
        dump,
        [xid % EPOCH for one in of_it if one.known.dump for xid in one.by],
        after=after,
        kept=frozenset[str]().union(*(one.words for one in of_it if not one.by)),
        others=others,
        back=back,
        applied=any(one.became for one in of_it if one.id in mine),
        known=known,
        locks=locks,
    )


async def as_left_by(own: Own, captured: Captured, others: Sequence[Undone]) -> list[str]:
    """The ids of the undos (by dumps, and not applied) whose transactions left what `captured` has dumped as it is now.

    The agent holds the tables locked against writers. Where it cannot be told in time, none.
    """
    oids = {table.oid for table in captured.dump.tables} if captured.dump else set[int]()
    oids |= {table.was for table in captured.heirs}
    earlier = [one for one in others if not one.by and one.known.dump and _left(one.known.dump) & oids]
    found = list[str]()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SECONDS):
            for one in sorted(earlier, key=lambda one: -one.known.xid)[:_MOST]:
                if await _is_as_left(own, one, captured, others):
                    found.append(one.id)
    return found


def _left(dump: Dump) -> set[int]:
    return {table.oid for table in dump.tables if table.left is not None}


async def _is_as_left(own: Own, one: Undone, captured: Captured, others: Sequence[Undone]) -> bool:
    assert one.known.dump is not None
    try:
        async with opened(own) as connection, connection.transaction(force_rollback=True):
            await connection.execute(_LIMITS)
            now, back = await as_of_now(connection, others, waits=False)
            there = await tables(connection, [table.effect.oid for table in captured.versions])
            known = {oid: writers(table, now) for oid, table in there.items()}
            since = since_of(connection, one.known, one.known.dump, now, back=back, known=known, locks=False)
            return await since.is_as_left()
    except (psycopg.Error, YettError):
        return False
