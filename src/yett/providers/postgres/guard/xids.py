"""Which transaction ids are the agent's: its own and its savepoints'.

A finished savepoint's id is in no view. It is one of those after the top id that is in progress and that nobody holds a
lock for; whose it is follows from who else could have made it, or from a row that the agent's own connection sees.
Row headers hold 32 of the 64 bits, so everything compares modulo 2^32.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from psycopg import sql

from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.own import Connection, row, rows

EPOCH = 2**32
SPAN_LIMIT = 1_000_000
"""Ids, and multixacts, that others may draw while the agent's transaction is open; about a second to look through."""

_HELD = sql.SQL("""
SELECT coalesce(pid, 0), transactionid::text::int8 FROM pg_locks
WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted""")
_NEXT = sql.SQL("SELECT (age('3'::xid)::int8 + 3) & 4294967295, (mxid_age('1'::xid)::int8 + 1) & 4294967295")
_RUNNING = sql.SQL("""
SELECT x FROM generate_series({first}::int8, {last}::int8) x
WHERE x & 4294967295 >= 3 AND pg_xact_status(x::text::xid8) = 'in progress'""")
_ABORTED = sql.SQL("""
SELECT count(*) FROM generate_series({first}::int8, {last}::int8) x
WHERE x & 4294967295 >= 3 AND pg_xact_status(x::text::xid8) = 'aborted'""")
# The modes of members that changed the row; the others only lock it.
_MULTIXACTS = sql.SQL("""
SELECT DISTINCT g.m FROM (
  SELECT x & 4294967295 AS m FROM generate_series({first}::int8, {last}::int8) x WHERE x & 4294967295 <> 0 OFFSET 0
) g CROSS JOIN LATERAL pg_get_multixact_members(g.m::text::xid) k
WHERE k.xid = ANY ({xids}::xid[]) AND k.mode IN ('upd', 'nokeyupd')""")


@dataclass(frozen=True, slots=True)
class Xids:
    """All but `top` have 32 bits. `own` are certainly the agent's, `possible` include every other that may be.

    `aborted`: a savepoint of the agent's may have been taken back (or somebody else's transaction was).
    """

    top: int
    own: frozenset[int]
    possible: frozenset[int]
    aborted: bool
    first_multixact: int

    @property
    def doubtful(self) -> frozenset[int]:
        return self.possible - self.own

    def with_own(self, proven: frozenset[int]) -> Xids:
        return replace(self, own=self.own | proven)


async def find(own: Connection, pid: int, top: int, first_multixact: int) -> Xids:
    """Look for the ids of the backend `pid`, whose transaction is `top` and idle.

    Raises:
        Unguardable: Yett's own connection goes to another server, or the transaction has been open for too long.
    """
    next_low, _ = await row(own, _NEXT)
    last = top + (next_low - top) % EPOCH - 1
    _limit(last - top)
    held = set(await rows(own, _HELD))
    if (pid, top % EPOCH) not in held:
        raise Unguardable(
            "Yett's own connection does not see the agent's transaction: it goes to another server, or to a standby",
            "point Yett's own credential at the primary server, without a pooler",
        )
    running = await _running(own, top, last)
    held |= set(await rows(own, _HELD))
    mine = {xid for holder, xid in held if holder == pid}
    others = {xid for holder, xid in held if holder != pid}
    unheld = running - mine - others
    if unheld:  # one whose holder ended between the two questions is not in progress any more
        unheld &= await _running(own, top, last)
    certain = {x for x in unheld if not any(_precedes(other, x) for other in others)}
    (aborted,) = await row(own, _ABORTED.format(first=sql.Literal(top), last=sql.Literal(last)))
    possible = frozenset(mine | unheld | {top % EPOCH})
    return Xids(top, frozenset(mine | certain | {top % EPOCH}), possible, bool(aborted), first_multixact)


async def multixacts(own: Connection, xids: Xids) -> frozenset[int]:
    """Multixacts of now with which one of `possible` changed a row that others hold a key-share lock on."""
    _, next_multixact = await row(own, _NEXT)
    span = (next_multixact - xids.first_multixact) % EPOCH
    _limit(span)
    query = _MULTIXACTS.format(
        first=sql.Literal(xids.first_multixact),
        last=sql.Literal(xids.first_multixact + span - 1),
        xids=literal(xids.possible),
    )
    return frozenset(multixact for (multixact,) in await rows(own, query))


async def still_running(own: Connection, top: int, candidates: frozenset[int]) -> frozenset[int]:
    """Those of `candidates` (32 bits, not before `top`) that are in progress now."""
    if not candidates:
        return frozenset()
    whole = [top + (xid - top) % EPOCH for xid in candidates]
    found = await _running(own, min(whole), max(whole))
    return frozenset(found) & candidates


def literal(xids: frozenset[int]) -> sql.Composable:
    """As the text of an array of xid, sorted: equal sets give equal statements."""
    return sql.Literal(listed(xids))


def listed(xids: frozenset[int]) -> str:
    return "{" + ",".join(str(xid) for xid in sorted(xids)) + "}"


async def _running(own: Connection, first: int, last: int) -> set[int]:
    found = await rows(own, _RUNNING.format(first=sql.Literal(first), last=sql.Literal(last)))
    return {xid % EPOCH for (xid,) in found}


def _precedes(one: int, other: int) -> bool:
    """TransactionIdPrecedes: whether `one` is older, in the half circle before `other`."""
    return 0 < (other - one) % EPOCH < EPOCH // 2


def _limit(span: int) -> None:
    if span > SPAN_LIMIT:
        raise Unguardable(
            f"the transaction has been open while {span} others began: it can no longer be measured",
            "commit in smaller steps",
        )
