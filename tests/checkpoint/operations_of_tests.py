"""Sessions, operations and resources in as few words as a unit test wants to spend."""

from __future__ import annotations

from typing import Any

from yett.model.effects import Effect, Recovery
from yett.model.identity import Principal, Session, Task
from yett.model.operation import Amount, Attempt, Governed, Host, Operation, Target
from yett.model.resource import Backup, Environment, Resource, ResourceRef

VOLUME = ResourceRef("railway", "volume", "v-1")
PRODUCTION = Environment("railway", "env-prod", "production")
STAGING = Environment("railway", "env-stag", "staging")


def session(name: str = "s-1", *, environment: str | None = "staging", production: bool = False) -> Session:
    task = Task("t-1", "fix the login", environment, production, 0.0, 9e9)
    return Session(name, Principal("agent.ada", "ada", "agent", ("agents",)), task, "/workspace")


def operation(
    effect: Effect = Effect.WRITE, target: Target | None = None, recovery: Recovery = Recovery.AUTOMATIC, **more: Any
) -> Operation:
    return Operation(
        more.pop("action", "railway:volumeUpdate"),
        effect,
        recovery,
        target or Governed("railway", (VOLUME,)),
        "graphql",
        **more,
    )


def attempt(*operations: Operation, **more: Any) -> Attempt:
    known = {"session": session(), "wire": "http", "request_digest": "ab" * 32, "lease": "l-1", "summary": "one line"}
    return Attempt(operations=operations or (operation(),), **{**known, **more})


def resource(*environments: Environment, backups: tuple[Backup, ...] = (), **more: Any) -> Resource:
    return Resource(VOLUME, "data", environments, backups, **more)


def backup(name: str, *, dies: bool) -> Backup:
    return Backup(name, "2026-04-01T03:00Z", 10, dies)


def read_of(host: str = "example.org") -> Operation:
    return Operation("http:GET", Effect.READ, Recovery.AUTOMATIC, Host(host), "http", cost=Amount())
