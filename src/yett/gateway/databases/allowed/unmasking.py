"""Unmasking for one running session is an act (law 8): a person's key signs it.

Which columns are shown, of which database, to whom, until when: the lease is granted them and the wire stops masking
them, until then or until the session ends. What counts for every later task is `widening`'s.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Protocol

from yett.approvals.acts import Act, ActKind, ActState, new_act_id
from yett.approvals.document import Document
from yett.approvals.errors import NotOpen
from yett.gateway.databases.allowed.scopes import columns_from
from yett.gateway.databases.registry import Database
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.model.errors import YettError
from yett.model.identity import Session
from yett.providers.postgres.scope import Columns

_log = logging.getLogger("yett.gateway")

MOST_WAITING = 3
"""Acts that refused reads of one task may have waiting: an agent does not crowd out what people propose themselves."""


class Acts(Protocol):
    """Where acts are put before people. See `approvals.desk.Desk`."""

    def act(self, act_id: str) -> Act: ...
    async def propose(self, kind: ActKind, body: Document, by: str, act_id: str = "") -> Act: ...


def write_signed(tx: Transaction, act: Act, by: str, now: int) -> None:
    """For the log; the lease is granted the columns after it."""
    tx.append(Entry("unmask", {"act": act.id, "by": by, **dict(act.body)}))


def body_of(database: Database, session: Session, columns: Sequence[str], until: int) -> dict[str, Json]:
    """What is signed. `columns`: as schema.table.column."""
    task = session.task
    return {
        "database": database.name,
        "id": database.id,
        "columns": list(columns),
        "shown to": f"{session.principal.agent}, for: {task.purpose}",
        "session": session.id,
        "task": task.id,
        "until": until,
    }


class Asking:
    """What agents' refused reads have put before people: one act for the same columns of the same task, few a task."""

    def __init__(self, desk: Acts) -> None:
        self._desk = desk
        self._asked: dict[tuple[str, str, tuple[str, ...]], str] = {}
        self._proposing: set[asyncio.Task[None]] = set()

    def hint(self, database: Database, session: Session, columns: Collection[str]) -> str:
        """For the agent whose read was refused: which act a person may sign, proposed now unless it waits already."""
        named = tuple(sorted(columns))
        shown = ", ".join(named)
        key = (session.task.id, database.id, named)
        act, state = self._asked.get(key, ""), self._state(self._asked.get(key, ""))
        if state is ActState.DECLINED:
            return f"yett: a person has declined to show {shown} to this task ({act}); leave those columns out"
        if state is not ActState.WAITING:
            mine = [one for (task, _, _), one in self._asked.items() if task == session.task.id]
            if sum(self._state(one) is ActState.WAITING for one in mine) >= MOST_WAITING:
                command = f"yett database show {database.name} {' '.join(named)}"
                return f"yett: {shown} is masked, and enough waits for a person already; they may show it: {command}"
            act = self._asked[key] = new_act_id()
            self._propose(act, body_of(database, session, named, int(session.task.expires)), session.principal.agent)
        return (
            f"yett: {shown} is masked; a person may sign {act} (yett holds) to show it to this task; then send it again"
        )

    def _state(self, act: str) -> ActState | None:
        if not act:
            return None
        try:
            return self._desk.act(act).state
        except NotOpen:
            return ActState.WAITING  # it is being proposed

    def _propose(self, act: str, body: dict[str, Json], agent: str) -> None:
        async def propose() -> None:
            try:
                await self._desk.propose(ActKind.UNMASK, body, agent, act)
            except YettError as error:
                _log.warning("what a refused read asks for was not put before people: %s", error.what)
                self._asked = {key: one for key, one in self._asked.items() if one != act}

        task = asyncio.get_running_loop().create_task(propose())
        self._proposing.add(task)
        task.add_done_callback(self._proposing.discard)


def columns_of(act: Act) -> Columns:
    listed = act.body.get("columns")
    return columns_from([str(one) for one in listed] if isinstance(listed, list | tuple) else [])
