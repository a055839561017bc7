"""Things that can be lost, where they stand, and what dies with them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """Where a resource stands, seen from the task: the columns of design, section 5."""

    TASK = "task"
    PRODUCTION = "production"
    ELSEWHERE = "elsewhere"


class EnvironmentClass(StrEnum):
    """What an environment is for. One that nobody has classified counts as production (law 6)."""

    PRODUCTION = "production"
    NON_PRODUCTION = "non-production"


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment as the provider knows it: immutable `id` within `provider`, and the name it shows."""

    provider: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ResourceRef:
    """The immutable id of a thing within its provider. `id` is "" when the request does not name one."""

    provider: str
    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of a resource. `dies_with_resource`: deleting the resource deletes it too.

    `restored` says when a restore from it last worked, "" if nobody ever tried.
    """

    id: str
    made: str
    size_bytes: int
    dies_with_resource: bool
    restored: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as the provider itself describes it, read with Yett's own credential.

    `environments` holds every environment that uses it; more than one counts as the strictest, none as production.
    `copies`: sentences on backups that nobody vouches for; a person reads them, nothing is decided by them.
    """

    ref: ResourceRef
    name: str
    environments: tuple[Environment, ...]
    backups: tuple[Backup, ...] = ()
    size_bytes: int | None = None
    dependants: tuple[str, ...] = ()
    parents: tuple[ResourceRef, ...] = ()
    copies: tuple[str, ...] = ()
