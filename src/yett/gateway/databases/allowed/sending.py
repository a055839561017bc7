"""What each task was sent of a database, and what people allowed it beyond. Kept over a restart of the daemon."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy import delete, insert, select

from yett.approvals.acts import Act
from yett.approvals.people import Reader
from yett.gateway.databases.allowed.scopes import CHANGED, DELETED, PER_TASK, RESULT_MAX_ROWS, RESULT_MB, TABLES
from yett.gateway.databases.allowed.so_far import Bounds
from yett.gateway.postgres.allowance import NOTHING, Allowance, Sent
from yett.ledger.journal import Entry, Journal, Transaction
from yett.model.canonical import Json
from yett.model.errors import YettError
from yett.model.identity import Task
from yett.providers.postgres.scope import Budgets
from yett.store import Store, tables

_PREFIX = "sent:"


@dataclass(frozen=True, slots=True)
class Kept:
    """Of one task and database. `expires`: when the task does, seconds."""

    sent: Sent = NOTHING
    more: Mapping[str, int] = field(default_factory=dict)
    """What people allowed beyond what every task may, by the limit's name."""
    expires: int = 0

    @property
    def more_sent(self) -> Sent:
        return Sent(self.more.get(RESULT_MB.name, 0) << 20, self.more.get(RESULT_MAX_ROWS.name, 0))

    @property
    def more_bounds(self) -> Bounds:
        deleted, changed, others = (self.more.get(limit.name, 0) for limit in (DELETED, CHANGED, TABLES))
        return Bounds(deleted, changed, 0, others)


async def resumed(
    store: Store, journal: Journal, task: Task, database_id: str, name: str, budgets: Budgets
) -> Allowance:
    """With what daemons before this one have sent. Raises LedgerUnavailable."""
    key = _key(task.id, database_id)

    def write(sent: Sent) -> Future[None]:
        return journal.commit(lambda tx: _note(tx, key, sent, int(task.expires)))

    await journal.run(_prune)
    known = store.read(lambda reader: _kept(reader, key))
    allowance = Allowance(Sent(budgets.result_bytes, budgets.result_rows), known.sent, write, name)
    allowance.grant(known.more_sent)
    return allowance


async def settle(journal: Journal, task: Task, database_id: str, allowance: Allowance) -> None:
    """At the end of a session: not what might have been sent, but what was. Raises LedgerUnavailable."""
    key, sent = _key(task.id, database_id), allowance.settled()
    await journal.run(lambda tx: _note(tx, key, sent, int(task.expires)))


def kept(reader: Reader, task: str, database_id: str) -> Kept:
    """What is known of it now."""
    return _kept(reader, _key(task, database_id))


def body_of_more(asked: Mapping[str, object]) -> dict[str, Json]:
    """What is signed to let a running task have more, by what each number counts. Raises YettError."""
    more: dict[str, Json] = {}
    for limit in PER_TASK:
        number = int(str(asked.get(limit.name) or 0))
        if not 0 <= number <= limit.most:
            raise YettError(f"{number:,} more {limit.words} cannot be", f"say 1 to {limit.most:,}")
        if number:
            more[limit.words] = number
    if not more:
        raise YettError("nothing more is asked for", "say how much of what: yett database allow --help")
    return more


def write_allowed(tx: Transaction, act: Act, by: str, now: int) -> None:
    """The effect of the last signature, in its transaction: a task may be sent more."""
    body = act.body
    key = _key(str(body["task"]), str(body["id"]))
    before, asked = _kept(tx, key), cast("Mapping[str, Json]", body["more"])
    more = {limit.name: before.more.get(limit.name, 0) + _number(asked, limit.words) for limit in PER_TASK}
    _put(tx, key, Kept(before.sent, more, before.expires or _number(body, "until")))
    tx.append(Entry("budget", {"act": act.id, "by": by, **dict(body)}))


def _note(tx: Transaction, key: str, sent: Sent, expires: int) -> None:
    _put(tx, key, Kept(sent, _kept(tx, key).more, expires))


def _kept(reader: Reader, key: str) -> Kept:
    value = reader.execute(select(tables.meta.c.value).where(tables.meta.c.key == key)).scalar()
    if value is None:
        return Kept()
    size, rows, more, expires = cast("tuple[int, int, dict[str, int], int]", json.loads(value))
    return Kept(Sent(size, rows), more, expires)


def _put(tx: Transaction, key: str, one: Kept) -> None:
    numbers = (one.sent.size, one.sent.rows, dict(one.more), one.expires)
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
