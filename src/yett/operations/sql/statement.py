"""One SQL statement, and what it would do: the value that every database wire hands on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from yett.model.effects import Effect, Recovery


class Way(StrEnum):
    """How a statement may run. Of several the one furthest down counts."""

    PASS = "pass"
    """Proven read, harmless session command or transaction control: runs as it is."""
    GUARD = "guard"
    """Known write set: runs in a guarded transaction that measures it before COMMIT."""
    ASK = "ask"
    """Effect not known, or out of the guard's sight: a person first, then a guarded transaction."""
    DUMP = "dump"
    """Destroys or changes objects: a person first, then lock, dump, statement."""
    ALONE = "alone"
    """Cannot run in a transaction block: a person first, then bare."""
    REFUSE = "refuse"
    """Never."""

    @property
    def strictness(self) -> int:
        return _STRICTNESS[self]


_STRICTNESS = {way: n for n, way in enumerate(Way)}


class Verb(StrEnum):
    """What is done to a relation."""

    READ = "read"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    TRUNCATE = "truncate"
    DROP = "drop"
    ALTER = "alter"
    CREATE = "create"
    GRANT = "grant"
    LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Touched:
    """A relation that the statement names, or reaches through views, rules, triggers, foreign keys and functions.

    `oid` is 0 for one that the catalog does not know (yet); then `schema` is as written, "" if unqualified.
    """

    oid: int
    schema: str
    name: str
    verb: Verb


class Control(StrEnum):
    """Transaction control; `Statement.chain` tells AND CHAIN, `Statement.savepoint` the name of one."""

    NONE = "none"
    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    SAVEPOINT = "savepoint"
    ROLLBACK_TO = "rollback_to"
    RELEASE = "release"
    TWO_PHASE = "two_phase"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a text, and the most that it can do.

    `reasons` says why it is not PASS: plain sentences for a person, with names that others wrote (law 13: escape them).
    `redacted` holds no literal, comment or string body. `prepares`, `executes`, `deallocates` are SQL-level names as
    the server folds them ("*": all). `copies`: "in" (FROM STDIN), "out" (TO STDOUT) or "". `defines`: the catalog that
    this was read against is stale once it ran. `unbounded`: an UPDATE, DELETE or MERGE whose condition selects nothing.
    `named`: relations that the text itself says it changes, their partitions and heirs with them; what is touched
    beside them is reached through something else. `schemas`: those that it drops. `misnamed`: but for names that are
    not there it would be PASS or GUARD. `acts_when_read`: the server may run code by merely parsing it, which makes
    values of its literals: a domain's check. `adds_to`: of a definition that only makes something new or adds to it,
    and runs nothing, the relations that it adds to, or that its foreign keys refer to, and their children.
    `skipped`: the notices (SQLSTATE, message) that are all a server would answer, for what it makes is there, or what
    it drops is not. `instead`: what the wire sends in its place. `lasts`: all that is asked about is a value that stays
    for the session once it is set, so that a person's yes counts for the same text and values until the task ends.
    """

    text: str
    tag: str
    way: Way
    effect: Effect
    recovery: Recovery
    touched: tuple[Touched, ...] = ()
    reasons: tuple[str, ...] = ()
    redacted: str = ""
    control: Control = Control.NONE
    chain: bool = False
    savepoint: str = ""
    prepares: str = ""
    executes: str = ""
    deallocates: str = ""
    defines: bool = False
    copies: str = ""
    unbounded: bool = False
    named: frozenset[int] = frozenset()
    schemas: tuple[str, ...] = ()
    misnamed: bool = False
    acts_when_read: bool = False
    adds_to: frozenset[int] | None = None
    skipped: tuple[tuple[str, str], ...] = ()
    instead: str = ""
    lasts: bool = False

    @property
    def redefines(self) -> bool:
        """Whether what was let run before may do something else behind it."""
        return self.defines and self.way is not Way.PASS and self.adds_to is None and not self.skipped
