"""Secrets found or held, what they can really do, and the leases made from them. Never the value itself."""

from __future__ import annotations

from dataclasses import dataclass

from yett.model.effects import Effect, Recovery


@dataclass(frozen=True, slots=True)
class Location:
    """Where a secret lies: `source` is file, history, variable, client-config or transcript.

    `start` and `end` are byte offsets of the value within the file or object, -1 where there is no such thing.
    """

    source: str
    path: str
    line: int = 0
    commit: str = ""
    object_id: str = ""
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret by its keyed fingerprint. `last_four` only for machine tokens of 20 characters or more (law 13)."""

    fingerprint: str
    provider: str
    kind: str
    locations: tuple[Location, ...] = ()
    last_four: str = ""
    owner: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing a credential can do, and the call that proved it ("me", "projectToken", "documentation")."""

    actions: str
    resource: str
    resource_name: str
    environment: str
    effect: Effect
    recovery: Recovery
    proof: str


@dataclass(frozen=True, slots=True)
class Authority:
    """What a credential can really do. `kind` is the provider's word; `known` False means "unknown", never low."""

    known: bool
    kind: str
    identity: str
    blanket: bool
    permissions: tuple[Permission, ...] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """A just-in-time credential for one task. The agent sees `placeholder` only, and it works at one point (law 4).

    `hosts` may receive it; `position` is header:authorization, header:NAME, basic, or field:NAME.
    """

    id: str
    session: str
    secret: str
    placeholder: str
    provider: str
    hosts: tuple[str, ...]
    position: str
    expires: float
