"""Where the statements of a connection run, and what decides them: protocols and values that the parts here share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from yett.checkpoint.record import Pass
from yett.gateway.databases.pool import OwnPool
from yett.gateway.databases.registry import Database
from yett.model.effects import Verdict
from yett.model.errors import YettError
from yett.model.identity import Session
from yett.model.operation import Attempt
from yett.operations.sql.cache import Cache
from yett.operations.sql.catalog import Catalog
from yett.recovery.undos import Undos


class Checkpoint(Protocol):
    """What a database's wire asks of the checkpoint. See `yett.checkpoint.pipeline.Checkpoint`."""

    def pass_now(self, attempt: Attempt) -> Pass | None: ...
    def standing(self, session: Session) -> tuple[object, ...] | None: ...
    def again(self, session: Session, digest: str) -> None: ...
    def alike(self, session: Session, digest: str, request: str) -> None: ...
    def note_refusal(self, session: Session, summary: str, error: YettError, *, alarm: bool) -> None: ...
    async def ask(self, attempt: Attempt) -> Verdict: ...
    async def pass_(self, attempt: Attempt) -> Pass: ...
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
    reads: dict[bytes, Known] = field(default_factory=dict)
    """Proven reads by their very text, of all connections of this session to this database."""
    shapes: dict[bytes, Known] = field(default_factory=dict)
    """The same by the text without numbers, for those of which numbers change nothing that is decided on."""

    usual: list[tuple[str | None, ...]] = field(default_factory=list)
    """Settings as a session has them that changes none (session_settings.py), once they were asked for."""

    def standing(self) -> tuple[object, ...] | None:
        """What a decision on a read rests on; None: the session has ended, or the catalog is too old."""
        mark, standing = self.catalogs.mark(), self.checkpoint.standing(self.session)
        return None if mark is None or standing is None else (mark, *standing)


@dataclass(slots=True)
class Known:
    """A read that passed, with what its decision rested on."""

    attempt: Attempt
    standing: tuple[object, ...] | None
