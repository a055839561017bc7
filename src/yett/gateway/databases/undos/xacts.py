"""Transactions by their ids: written down before COMMIT is sent, so that the server can be asked what became of one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Self

import psycopg

from yett.gateway.databases.place import Place
from yett.gateway.databases.registry import POSTGRES
from yett.model.errors import YettError
from yett.providers.postgres.guard.restore import Settled, settle

OUTCOMES: dict[Settled, str] = {"committed": "done", "aborted": "refused"}
"""What is recorded of an act whose transaction became that; of any other, unknown."""

ENDS_IN_S = 5.0
_LOOK_EVERY_S = 0.1
_END = """
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
WHERE pid = %s AND usename = %s AND backend_xid::text = (%s %% 4294967296)::text"""


@dataclass(frozen=True, slots=True)
class Xact:
    """A transaction of one database (its id is "SYSTEM IDENTIFIER/OID"); `xid` has 64 bits, so that it never comes
    again."""

    database: str
    xid: int

    def __str__(self) -> str:
        return f"{POSTGRES}:{self.database}:{self.xid}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None: another provider's."""
        provider, _, rest = text.partition(":")
        database, _, xid = rest.rpartition(":")
        return cls(database, int(xid)) if provider == POSTGRES and xid.isdecimal() else None


async def ended(place: Place, pid: int, xid: int) -> Settled:
    """What became of a transaction whose connection is lost; if it is under way still, its backend is ended first.

    Raises:
        YettError: the server cannot be asked.
    """
    until = asyncio.get_running_loop().time() + ENDS_IN_S
    became = await settle(place.own, xid)
    while became == "in progress" and asyncio.get_running_loop().time() < until:
        await _end(place, pid, xid)
        await asyncio.sleep(_LOOK_EVERY_S)
        became = await settle(place.own, xid)
    return became


async def _end(place: Place, pid: int, xid: int) -> None:
    """Only that very backend: a process id may be somebody else's by now."""
    try:
        async with place.own.connection() as own:
            await own.execute(_END, [pid, place.lease, xid])
    except psycopg.Error as error:
        raise YettError(f"a session that was lost could not be ended: {error.sqlstate or 'no answer'}") from None
