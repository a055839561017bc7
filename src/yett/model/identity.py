"""Who acts, for what: principal, task, session."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """An agent identity. `owner` is the person who answers for it; `client` the program ("claude", "scripted")."""

    agent: str
    owner: str
    client: str
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """What an agent was asked to do. Leases, grants and decisions are bound to it.

    `environment` is the name the person gave, or None; `production` is True only if a key signed for it (law 8).
    `started` and `expires` are seconds since the epoch.
    """

    id: str
    purpose: str
    environment: str | None
    production: bool
    started: float
    expires: float


@dataclass(frozen=True, slots=True)
class Session:
    """One `yett run`: everything that arrives on its listeners is this principal, working on this task."""

    id: str
    principal: Principal
    task: Task
    workspace: str
    observe: bool = False
