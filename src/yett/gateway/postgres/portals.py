"""Portals that are watched: what was bound, which Binds wait for their Execute, and what may stand on the server."""

from __future__ import annotations

from dataclasses import dataclass

from yett.gateway.postgres.desk import Bound, Look, Stopped, Told
from yett.gateway.postgres.fields import executed, may_be_named
from yett.gateway.postgres.messages import BIND, DESCRIBE, EXECUTE
from yett.operations.sql.statement import Control, Way

_NO_NAME = Told(
    "yett: a prepared statement or portal of this name never passes",
    "choose a name of at most 63 ASCII characters that does not begin with _yett",
    "42602",
)
BY_ITSELF = Told(
    "yett: a portal of EXECUTE, PREPARE, DEALLOCATE, VACUUM or a definition is executed right behind its Bind",
    "send Bind and Execute together, with nothing but a Describe of the portal between them",
)
DOUBTFUL = Told(
    "yett: a Bind of this portal was not confirmed, and an older portal may stand under its name",
    "bind it again, under another name",
    "34000",
)
TAGS = {
    Control.BEGIN: (b"BEGIN", b"START TRANSACTION"),
    Control.SAVEPOINT: (b"SAVEPOINT",),
    Control.RELEASE: (b"RELEASE",),
    Control.ROLLBACK_TO: (b"ROLLBACK",),
}
"""What the server says of a portal that begins a transaction or sets a mark in it."""


@dataclass(frozen=True, slots=True)
class Portal:
    """A portal that was bound here. `again`: what it does may have changed since, or it ends the transaction."""

    sql: bytes
    look: Look
    again: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """A Bind that waits for its Execute: nothing may come between them but a Describe of it. `messages`: both."""

    portal: bytes
    look: Look
    bound: Bound
    messages: list[bytes]


def must_be_nameable(name: bytes) -> None:
    if not may_be_named(name):
        raise Stopped(_NO_NAME)


def is_of(portal: bytes, kind: int, message: bytes) -> bool:
    """Whether a message is the Execute or Describe of this portal."""
    if kind == EXECUTE:
        return executed(message) == portal
    return kind == DESCRIBE and message[5] == 0x50 and message[6:-1] == portal


def opens(portal: bytes, message: bytes) -> bool:
    """Whether a message is the Bind or Describe of this portal."""
    if message[0] == BIND:
        return message[5 : message.index(0, 5)] == portal
    return message[0] == DESCRIBE and is_of(portal, DESCRIBE, message)


def settled_by_bind(look: Look) -> bool:
    """Whether its portal may stand on the server: what it does then is what it would do now, whoever runs it.

    A call that nobody here can read defines for all that is known, and was asked about."""
    return look.way not in (Way.DUMP, Way.ALONE) and not any(
        one.executes or one.prepares or one.deallocates or (one.defines and one.way is not Way.ASK)
        for one in look.statements
    )
