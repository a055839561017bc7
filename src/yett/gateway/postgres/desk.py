"""What the PostgreSQL wire asks about the statements of one connection: protocols; the daemon brings the real parts.

A transaction is decided as a whole. Before a statement runs it is *looked at*; while it runs inside the transaction
nothing is final; at COMMIT the exact effect is *settled*, and only then does anything leave (law 2). What may not run
before a person has signed is *admitted* first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from yett.gateway.postgres.catalog_inside import Batching
from yett.operations.sql.statement import Control, Statement, Way


@dataclass(frozen=True, slots=True)
class Look:
    """One text as the wire got it, read: `way` is the strictest of its statements (Way's own order)."""

    sql: bytes
    statements: tuple[Statement, ...]
    way: Way


@dataclass(frozen=True, slots=True)
class Bound:
    """What a Bind binds, and the types that its Parse declared for it: the same bytes mean another value as another
    type, and another function may be called with them."""

    values: Sequence[bytes | None] = ()
    types: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """A refusal for the client: `sqlstate` five characters, "42501" unless said; `hold` is the hold's id, or ""."""

    message: str
    hint: str
    sqlstate: str = "42501"
    hold: str = ""


class Stopped(Exception):
    """The statement does not run, or the transaction does not commit. Nothing of it has become final."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.message)
        self.told = told


class Copy(Protocol):
    """The rows of one COPY FROM STDIN, each piece seen before the server gets it."""

    def feed(self, rows: bytes) -> None:
        """Raises Stopped: they hold what must not leave; nothing of the COPY becomes final."""
        ...

    def end(self) -> None:
        """The client has ended it: these rows are a part of what is settled."""
        ...


class Transaction(Protocol):
    """The agent's open transaction, from its first write on: `desk.transaction()` makes one after BEGIN has run."""

    async def begin(self) -> None:
        """Right before the first statement that is not a proven read: notes the baseline. Raises Stopped."""
        ...

    async def begin_text(self, statements: Sequence[Statement]) -> None:
        """A text of several statements follows, each admitted in its turn: what a person must say about them is asked
        here, of all at once. Raises Stopped."""
        ...

    def end_text(self) -> None:
        """What follows belongs to no such text."""
        ...

    def defined(self) -> None:
        """A proven harmless definition (a temporary table) has run in it, or a savepoint has taken some back."""
        ...

    async def admit(self, look: Look, bound: Bound) -> None:
        """Whether the statement may run at all now; a DUMP is made here, before it runs. Raises Stopped (and the wire
        rolls back): denied, or held until a person has signed."""
        ...

    def copying(self, statement: Statement) -> Copy:
        """A COPY FROM STDIN that was admitted asks for its rows."""
        ...

    async def ran(self) -> None:
        """What was admitted last has run without an error: rights that it was lent end here. Raises Stopped."""
        ...

    @property
    def may_be_replaced(self) -> bool:
        """Whether `failed` may have other words than the server for the statement that was admitted last."""
        ...

    async def failed(self, sqlstate: str) -> Told | None:
        """What was admitted last has ended in an error: what the client is told instead; None: the server's words."""
        ...

    async def marked(self, control: Control, savepoint: str, *, just_now: bool) -> None:
        """SAVEPOINT, RELEASE or ROLLBACK TO has run. One that is not known stands before the first write.

        `just_now`: nothing has run since. Raises Stopped.
        """
        ...

    async def settle(self) -> None:
        """At COMMIT: exact effect, decision, pre-image outside, intent: durable when this returns. Raises Stopped."""
        ...

    async def committed(self) -> None:
        """The server has said COMMIT."""
        ...

    async def lost(self) -> None:
        """After `settle`, nobody knows whether COMMIT arrived: the connection broke."""
        ...

    async def rolled_back(self) -> None:
        """It was rolled back, by the agent, by the server or by the wire; also after `settle`."""
        ...


class Masking(Protocol):
    """Hides columns in one connection's answers. See `masked_answers.MaskedAnswers`. Raises masking.Unmaskable."""

    def sent(self, data: bytes) -> None:
        """Messages that go to the server for the client, whole or in parts."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Bytes of the server for the client -> what it may see of them."""
        ...


class Metered(Protocol):
    """How much may still be sent. See `allowance.Allowance`."""

    @property
    def open(self) -> bool: ...

    def spend(self, size: int, rows: int) -> None:
        """So many bytes, with so many rows in them, are about to be sent."""
        ...

    def told(self) -> Told:
        """Why nothing more is sent."""
        ...


class Desk(Protocol):
    """One agent connection's side of the checkpoint."""

    @property
    def uncommitted(self) -> bool:
        """Whether the open transaction has definitions of its own: then `look` asks the agent's own connection, which
        must be idle, and nothing passes by `passes_now` or `read_now`."""
        ...

    def passes_now(self, sql: bytes) -> bool:
        """The hot path. True: a proven read (or a harmless session command) that was looked at before with the very
        same text, decided under what still holds, and noted for the log just now. False: look at it."""
        ...

    def alike_now(self, sql: bytes) -> bool:
        """The hot path of clients that write their values into their texts. True: a read that differs from one that
        was looked at in numbers alone, decided under what still holds, and noted for the log just now. The text itself
        was not looked at."""
        ...

    def read_now(self, sql: bytes) -> Look | None:
        """`look` and `read` of a text that was not seen before, where neither has to wait: many clients write their
        values into their texts. None: it does not pass, or not at once; then `look` says why."""
        ...

    def clean(self, message: bytes) -> bool:
        """The hot path. Whether no real secret stands in a Bind, as far as a quick search finds one. False: `watch`."""
        ...

    def watch(self, message: bytes) -> None:
        """Law 3(a) for what a client sends beside its texts. Raises Stopped, after an alarm."""
        ...

    async def look(self, sql: bytes, prepared: Mapping[str, Statement]) -> Look:
        """What the text would do. Raises Stopped: it cannot be read, or is never passed (Way.REFUSE)."""
        ...

    async def read(self, look: Look) -> None:
        """Decide and record a text whose way is PASS. Raises Stopped."""
        ...

    async def skip(self, look: Look) -> None:
        """Decide and record a statement that does nothing (`Statement.skipped`), which the wire answers. Raises
        Stopped."""
        ...

    def transaction(self, agent: Batching) -> Transaction: ...

    async def alone(self, look: Look) -> Alone:
        """A statement that no transaction block takes (Way.ALONE). Raises Stopped: held, or denied."""
        ...

    def masking(self) -> Masking | None:
        """What hides columns from this connection, asked for once; None: it may see all that its role may."""
        ...

    def allowance(self) -> Metered:
        """How much this connection may still be sent; asked for once."""
        ...

    def defined(self) -> None:
        """A statement that changes the catalog has run: what is known of it is old."""
        ...

    def refused(self, told: Told, what: str) -> None:
        """The wire refused by itself (a pinned setting drifted, FunctionCall, a broken frame): for the log."""
        ...


@dataclass(frozen=True, slots=True)
class Notice:
    """What a server says beside its answer. `severity` as the protocol writes it: NOTICE, WARNING, INFO."""

    severity: str
    told: Told


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's answer to one statement: its command tag, or the error it ended in."""

    tag: str
    notices: tuple[Notice, ...] = ()
    error: Told | None = None


class Alone(Protocol):
    """Permission for one statement outside a transaction block, which then runs over another connection."""

    async def run(self) -> Answer:
        """Once. Raises Stopped: it did not run, or nobody knows whether it did."""
        ...

    def cancel(self) -> None:
        """The client asks for its end: `run` answers with what the server says then."""
        ...

    async def lost(self) -> None:
        """The client is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a session's statements go, and as whom. `password` is the lease role's; never in a repr.

    `address` is (host, port) as it is dialled, a host that begins with "/" is a socket's folder; `server_name` is what
    its certificate must say. `tls`: "require" (and all that libpq has above it), "prefer" (plaintext only on loopback),
    "disable" (a person chose it). `roots`: a PEM file of the authority that signs it, the system's if there is none.
    `statement_ms`: how long a statement may take, 0: any; `slow_hint`: what to do about one that took longer.
    """

    address: tuple[str, int]
    server_name: str
    tls: str
    user: str
    database: str
    password: str
    roots: Path | None = None
    statement_ms: int = 0
    slow_hint: str = ""

    def __repr__(self) -> str:
        return f"Upstream({self.address}, {self.user}, {self.database})"


class Door(Protocol):
    """Who may come in. One a listener: the listener says which session and which database it is (law 8)."""

    def placeholder_verifier(self, user: str, database: str) -> bytes | None:
        """The password that a client of this session proves by SCRAM: its own placeholder. None: no such login; the
        wire goes through the exchange all the same, so that nobody learns which logins exist."""
        ...

    async def refused(self, database: str, sent: bytes, was_made_with: Callable[[bytes], bool] | None) -> None:
        """A client has not proved it. `sent`: what it said instead; `was_made_with`: whether its proof is that of a
        password (a real one raises an alarm, law 3b), None if it gave none. The client learns nothing of this."""
        ...

    async def open(self, user: str, database: str) -> tuple[Upstream, Desk]:
        """After the client has proved itself: its lease role, made a moment ago. Raises Stopped."""
        ...

    def closed(self) -> None:
        """A connection that `open` let in has ended."""
        ...
