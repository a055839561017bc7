"""What each task was sent of each database, and what a person allowed it beyond: kept over a restart of the daemon."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import cast

from sqlalchemy import delete, insert, select

from yett.approvals.acts import Act
from yett.approvals.people import Reader
from yett.gateway.postgres.allowance import NOTHING, Allowance, Sent
from yett.ledger.journal import Entry, Journal, Transaction
from yett.model.identity import Task
from yett.providers.postgres.scope import Budgets
from yett.store import Store, tables

_PREFIX = "sent:"
MORE_MB, MORE_ROWS = "more MB", "more rows"
"""In the body of an act that allows more."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Of one task and database. `expires`: when the task does, seconds."""

    sent: Sent = NOTHING
    more: Sent = NOTHING
    expires: int = 0


async def resumed(
    store: Store, journal: Journal, task: Task, database_id: str, name: str, budgets: Budgets
) -> Allowance:
    """With what daemons before this one have sent. Raises LedgerUnavailable."""
    key = _key(task.id, database_id)

    def write(sent: Sent) -> Future[None]:
        return journal.commit(lambda tx: _note(tx, key, sent, int(task.expires)))

    await journal.run(_prune)
    kept = store.read(lambda reader: _kept(reader, key))
    allowance = Allowance(Sent(budgets.result_bytes, budgets.result_rows), kept.sent, write, name)
    allowance.grant(kept.more)
    return allowance


async def settle(journal: Journal, task: Task, database_id: str, allowance: Allowance) -> None:
    """At the end of a session: not what might have been sent, but what was. Raises LedgerUnavailable."""
    key, sent = _key(task.id, database_id), allowance.settled()
    await journal.run(lambda tx: _note(tx, key, sent, int(task.expires)))


def allowed(reader: Reader, act: Act) -> Sent:
    """All that people have allowed the act's task beyond what every task may."""
    return _kept(reader, _key(str(act.body["task"]), str(act.body["id"]))).more


def write_allowed(tx: Transaction, act: Act, by: str, now: int) -> None:
    """The effect of the last signature, in its transaction: a task may be sent more."""
    body = act.body
    key = _key(str(body["task"]), str(body["id"]))
    kept = _kept(tx, key)
    more = kept.more + Sent(_number(body, MORE_MB) << 20, _number(body, MORE_ROWS))
    _put(tx, key, Kept(kept.sent, more, kept.expires or _number(body, "until")))
    tx.append(Entry("budget", {"act": act.id, "by": by, **dict(body)}))


def _note(tx: Transaction, key: str, sent: Sent, expires: int) -> None:
    _put(tx, key, Kept(sent, _kept(tx, key).more, expires))


def _kept(reader: Reader, key: str) -> Kept:
    value = reader.execute(select(tables.meta.c.value).where(tables.meta.c.key == key)).scalar()
    if value is None:
        return Kept()
    size, rows, more_size, more_rows, expires = cast("list[int]", json.loads(value))
    return Kept(Sent(size, rows), Sent(more_size, more_rows), expires)


def _put(tx: Transaction, key: str, kept: Kept) -> None:
    numbers = (kept.sent.size, kept.sent.rows, kept.more.size, kept.more.rows, kept.expires)
    tx.execute(delete(tables.meta).where(tables.meta.c.key == key))
    tx.execute(insert(tables.meta).values(key=key, value=json.dumps(numbers)))


def _prune(tx: Transaction) -> None:
    """Of tasks that are over."""
    rows = tx.execute(select(tables.meta.c.key).where(tables.meta.c.key.like(f"{_PREFIX}%"))).scalars().all()
    for key in rows:
        if _kept(tx, key).expires < time.time():
            tx.execute(delete(tables.meta).where(tables.meta.c.key == key))


def _number(body: Mapping[str, object], name: str) -> int:
    return int(str(body.get(name) or 0))


def _key(task: str, database_id: str) -> str:
    return f"{_PREFIX}{task}:{database_id}"
