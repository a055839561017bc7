"""What the pages need of the control plane, and a plain implementation of it over a store."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, cast

from sqlalchemy import func, select

from yett.approvals.desk import Desk
from yett.approvals.document import Document
from yett.approvals.people import Reader
from yett.ledger.journal import Journal
from yett.store.tables import ledger_entry, lockdown


@dataclass(frozen=True, slots=True)
class Locked:
    """A scope that is closed: "*", "agent:NAME", "session:ID"."""

    scope: str
    since: int
    by: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """One ledger entry."""

    index: int
    at: int
    kind: str
    body: Document


class ConsolePlane(Protocol):
    """The daemon, as the pages see it."""

    @property
    def desk(self) -> Desk: ...

    async def lock(self, scope: str, by: str, why: str) -> None:
        """Close a scope. Needs nobody's key."""
        ...

    def locked(self) -> tuple[Locked, ...]: ...

    def log_tail(self, limit: int, before: int | None = None) -> tuple[LogLine, ...]:
        """Newest first, only those under index `before` if given."""
        ...

    def log_size(self) -> int: ...

    def log_note(self) -> str:
        """The signed checkpoint over everything that is durable."""
        ...


class StorePlane:
    """The pages' plane over a store and its journal; `lock` closes a scope (checkpoint.lockdown)."""

    def __init__(self, desk: Desk, journal: Journal, lock: Callable[[str, str, str], Awaitable[None]]) -> None:
        self._desk = desk
        self._journal = journal
        self._lock = lock

    @property
    def desk(self) -> Desk:
        return self._desk

    async def lock(self, scope: str, by: str, why: str) -> None:
        await self._lock(scope, by, why)

    def locked(self) -> tuple[Locked, ...]:
        return self._desk.read(_locked)

    def log_tail(self, limit: int, before: int | None = None) -> tuple[LogLine, ...]:
        return self._desk.read(lambda reader: _tail(reader, limit, before))

    def log_size(self) -> int:
        return self._journal.size

    def log_note(self) -> str:
        return self._journal.checkpoint()


def _locked(reader: Reader) -> tuple[Locked, ...]:
    query = select(lockdown).where(lockdown.c.on.is_(True)).order_by(lockdown.c.since)
    return tuple(Locked(row.scope, row.since, row.by) for row in reader.execute(query))


def _tail(reader: Reader, limit: int, before: int | None) -> tuple[LogLine, ...]:
    below = before if before is not None else (reader.execute(select(func.max(ledger_entry.c.idx))).scalar() or 0) + 1
    query = select(ledger_entry).where(ledger_entry.c.idx < below).order_by(ledger_entry.c.idx.desc()).limit(limit)
    return tuple(_line(row.idx, bytes(row.data)) for row in reader.execute(query))


def _line(index: int, data: bytes) -> LogLine:
    entry = cast("dict[str, object]", json.loads(data))
    return LogLine(index, cast(int, entry["at"]), cast(str, entry["kind"]), cast(Document, entry["body"]))
