"""A case through the Guard, as the gateway runs it: capture before every COMMIT, then everything brought back."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import pq

from corpus.cases import SUPERUSER, Case
from corpus.ground import Ground, Outcome
from corpus.session import Session
from yett.gateway.postgres.looking import ENDS
from yett.model.errors import YettError
from yett.operations.sql.statement import Control, Statement, Way
from yett.providers.postgres.guard.captured import Captured
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.executing import ServerError
from yett.providers.postgres.guard.guard import Guard
from yett.providers.postgres.guard.restore import restore
from yett.providers.postgres.guard.sink import DirectorySink


@dataclass
class Guarded:
    """What became of it. `unguardable`: why it was rolled back; `broken`: why it could not be brought back."""

    outcome: Outcome | None = None
    captured: list[Captured] = field(default_factory=list)
    unguardable: str = ""
    broken: str = ""

    @property
    def gaps(self) -> str:
        return " ".join(gap for captured in self.captured for gap in captured.gaps)


def guard(ground: Ground, case: Case, role: str, said: Sequence[Sequence[Statement]]) -> Guarded:
    """Run what was `said` of a case's messages, statement by statement; `outcome` is what is left after the restore."""
    found = Guarded()

    def act(agent: Session) -> None:
        with tempfile.TemporaryDirectory() as folder:
            watched = _Watched(agent, _Own(ground), Path(folder), case.stdin, found)
            asyncio.run(asyncio.wait_for(watched.all_of(said), 60))

    found.outcome = ground.observe(role, act, case.setup)
    return found


@dataclass(frozen=True)
class _Own:
    ground: Ground

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        async with await psycopg.AsyncConnection.connect(self.ground.url(SUPERUSER), autocommit=True) as connection:
            yield connection


@dataclass(frozen=True)
class _Executing:
    session: Session

    @property
    def pid(self) -> int:  # type: ignore[override]
        return self.session.pid

    async def rows(self, sql: str) -> list[tuple[str | None, ...]]:
        result = self.session.connection.pgconn.exec_(sql.encode())
        if result.status == pq.ExecStatus.FATAL_ERROR:
            state = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
            raise ServerError(state.decode(), result.error_message.decode())
        return [tuple(_value(result, row, n) for n in range(result.nfields)) for row in range(result.ntuples)]


@dataclass
class _Watched:
    agent: Session
    own: _Own
    folder: Path
    stdin: str
    found: Guarded
    guard: Guard | None = None

    async def all_of(self, said: Sequence[Sequence[Statement]]) -> None:
        try:
            for statements in said:
                await self._message(statements)
        except Unguardable as error:
            self.found.unguardable = str(error)
            self.agent.send("ROLLBACK")
        except ServerError as error:
            self.agent.errors.append(str(error))
            self.agent.send("ROLLBACK")
        for captured in reversed(self.found.captured):
            try:
                await restore(self.own, captured, verify=True)
            except YettError as error:
                self.found.broken = str(error)

    async def _message(self, statements: Sequence[Statement]) -> None:
        """Without transaction control in it a message is one transaction, as for the server."""
        passes = all(one.way is Way.PASS for one in statements)
        if len(statements) < 2 or passes or self._in_transaction or any(one.control in ENDS for one in statements):
            for one in statements:
                await self._statement(one)
            return
        self.agent.send("BEGIN")
        await self._watch()
        for one in statements:
            self.agent.send(one.text, self.stdin)
        await self._commit("COMMIT")

    async def _statement(self, statement: Statement) -> None:
        if statement.control is Control.COMMIT:
            await self._commit(statement.text)
            if statement.chain:
                await self._watch()
        elif statement.control is Control.BEGIN:
            self.agent.send(statement.text)
            await self._watch()
        elif statement.control is not Control.NONE or self._in_transaction or statement.way is Way.PASS:
            self.agent.send(statement.text, self.stdin)
        else:
            self.agent.send("BEGIN")
            await self._watch()
            self.agent.send(statement.text, self.stdin)
            await self._commit("COMMIT")

    async def _watch(self) -> None:
        self.guard = Guard(_Executing(self.agent), self.own)
        await self.guard.baseline()

    async def _commit(self, text: str) -> None:
        status = self.agent.connection.pgconn.transaction_status
        if status == pq.TransactionStatus.INTRANS and self.guard is not None:
            effects = await self.guard.measure()
            if effects.xid:
                below = self.folder / str(len(self.found.captured))
                below.mkdir()
                self.found.captured.append(await self.guard.capture(effects, DirectorySink(below)))
        self.agent.send(text)

    @property
    def _in_transaction(self) -> bool:
        return self.agent.connection.pgconn.transaction_status != pq.TransactionStatus.IDLE


def _value(result: pq.abc.PGresult, row: int, column: int) -> str | None:
    value = result.get_value(row, column)
    return None if value is None else value.decode()
