"""Where the statements of a connection run, and what decides them: protocols and values that the parts here share."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

from yett.approvals.document import Document
from yett.checkpoint.record import Pass
from yett.gateway.databases.accounts import Unaccounted
from yett.gateway.databases.allowed.lasting import Lasting
from yett.gateway.databases.allowed.masks import LiveMasks
from yett.gateway.databases.allowed.so_far import SoFar
from yett.gateway.databases.pool import OwnPool
from yett.gateway.databases.registry import Database
from yett.gateway.postgres.allowance import ENDLESS, Allowance
from yett.gateway.turns import Turns
from yett.model.effects import Verdict
from yett.model.errors import YettError
from yett.model.identity import Session
from yett.model.operation import Attempt, Rows
from yett.operations.sql.cache import Cache
from yett.operations.sql.catalog import Catalog
from yett.providers.postgres.once import Roles
from yett.recovery.undos import Undos

MOST_TRIED = 256


class Checkpoint(Protocol):
    """What a database's wire asks of the checkpoint. See `yett.checkpoint.pipeline.Checkpoint`."""

    def pass_now(self, attempt: Attempt) -> Pass | None: ...
    def standing(self, session: Session) -> tuple[object, ...] | None: ...
    def set_by_persons(self, session: Session) -> tuple[object, ...] | None: ...
    def again(self, session: Session, digest: str) -> None: ...
    def alike(self, session: Session, digest: str, text: bytes) -> None: ...
    def note_refusal(self, session: Session, summary: str, error: YettError, *, alarm: bool) -> None: ...
    async def ask(self, attempt: Attempt) -> Verdict: ...
    async def pass_(self, attempt: Attempt) -> Pass: ...
    def approved(self, session: Session, request: str) -> frozenset[str]: ...
    def signed(self, hold: str) -> Document: ...
    def stands(self, hold: str) -> bool: ...
    async def also(self, attempt: Attempt, signed: Pass, *, no_more: bool = False) -> Pass: ...
    async def finish(self, granted: Pass, outcome: str, status: int) -> None: ...


class Watched(Protocol):
    """A stream of rows that is watched for real secrets."""

    def feed(self, data: bytes) -> None:
        """Raises CredentialRefused."""
        ...


class Catalogs(Protocol):
    """What is known of one database's catalog."""

    async def now(self) -> Catalog:
        """A catalog young enough to decide on. Raises YettError: it could not be read."""
        ...

    def mark(self) -> Catalog | None:
        """What was last read of it, while that is young enough to decide on; None: ask `now`."""
        ...

    def defined(self) -> None:
        """Something changed it."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where the statements of a connection run: whose session, which database, under which lease."""

    session: Session
    database: Database
    lease: str
    checkpoint: Checkpoint
    catalogs: Catalogs
    cache: Cache
    undos: Undos
    own: OwnPool
    watch: Callable[[bytes], None]
    """Law 3(a). Raises CredentialRefused: the bytes hold a real secret."""
    watch_rows: Callable[[], Watched]
    """The same for rows in bulk."""
    holds_secret: Callable[[bytes], bool]
    """The same for one small message on the hot path."""
    so_far: SoFar = field(default_factory=lambda: SoFar({}))
    """What the task has done to this database's tables in small acts."""
    tried: Tried = field(default_factory=lambda: Tried())
    allowance: Allowance = field(default_factory=lambda: Allowance(ENDLESS))
    masks: LiveMasks | None = None
    """None: nothing is masked."""
    may_show: Callable[[Collection[str]], str] = field(default=lambda columns: "")
    """What a person may do about masked columns that were refused (unmasking.Asking.hint)."""
    reads: dict[bytes, Known] = field(default_factory=dict)
    """Proven reads by their very text, of all connections of this session to this database."""
    shapes: dict[bytes, Known] = field(default_factory=dict)
    """The same by the text without numbers, for those of which numbers change nothing that is decided on."""

    usual: list[tuple[str | None, ...]] = field(default_factory=list)
    """Settings as a session has them that changes none (session_settings.py), once they were asked for."""

    roles: Roles = field(default_factory=lambda: Unaccounted())
    """Who keeps account of the roles that are made for one statement."""

    turns: Turns = field(default_factory=Turns)
    """For what takes long to read: one text of this session at a time."""

    lasting: Lasting = field(default_factory=lambda: Lasting())
    """What persons have let this task do, and not only once."""

    owed: set[str] = field(default_factory=set)
    """Owners that the lease's role may still be a member of: taking that back failed."""

    def standing(self) -> tuple[object, ...] | None:
        """What a decision on a read rests on; None: the session has ended, or the catalog is too old."""
        mark = self.catalogs.mark()
        if mark is None or (standing := self.checkpoint.standing(self.session)) is None:
            return None
        return mark, standing


@dataclass(slots=True)
class Tried:
    """What is remembered of statements that ran and were rolled back, by their digest (`attempts.digest_of`).

    `slow`: they could not be measured within their time. `counted`: they did more than was signed for, namely this.
    `ahead`, by a digest of the first of a transaction that is dumped for: tables (oids) that another one behind it
    needed dumped and could not have any more, and what that one was.
    """

    slow: set[str] = field(default_factory=set)
    counted: dict[str, tuple[Rows, ...]] = field(default_factory=dict)
    ahead: dict[str, tuple[tuple[int, ...], str]] = field(default_factory=dict)

    def was_slow(self, digest: str) -> None:
        if len(self.slow) >= MOST_TRIED:
            self.slow.clear()
        self.slow.add(digest)

    def did(self, digest: str, rows: tuple[Rows, ...]) -> None:
        if len(self.counted) >= MOST_TRIED:
            self.counted.clear()
        self.counted[digest] = rows

    def was_late(self, first: str, tables: Collection[int], what: str) -> None:
        if len(self.ahead) >= MOST_TRIED:
            self.ahead.clear()
        known, _ = self.ahead.get(first, ((), ""))
        self.ahead[first] = (tuple(sorted({*known, *tables})), what)


@dataclass(slots=True)
class Known:
    """A read that passed, with what its decision rested on."""

    attempt: Attempt
    standing: tuple[object, ...] | None
