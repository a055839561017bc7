"""The blast radius of a credential: what it reaches, where that stands, and which backups die with it.

Also the gap: authority minus purpose. An authority that nobody knows is drawn as unknown, never as small.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass

from yett.model.credential import Authority, Credential, Permission
from yett.model.effects import Effect, Recovery
from yett.model.resource import Backup, Resource

EVERYWHERE = "*"
_SHORTEST_WORD = 4
_SAYS_NOTHING = frozenset({"manage", "with", "only", "used", "this", "that", "from", "token", "access", "custom"})


@dataclass(frozen=True, slots=True)
class Reached:
    """One resource within reach: the worst that can happen to it, and what is left then.

    `dying` are backups that go with it, `outliving` those that do not; both empty where nobody asked.
    """

    resource: str
    name: str
    environment: str
    actions: tuple[str, ...]
    effect: Effect
    recovery: Recovery
    dying: tuple[Backup, ...] = ()
    outliving: tuple[Backup, ...] = ()

    @property
    def irreversible(self) -> bool:
        if self.recovery is Recovery.FROM_BACKUP:
            return not self.outliving
        return self.recovery is Recovery.NONE


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """Everything that a credential reaches. `whole`: names of what it owns entirely (an account, a workspace)."""

    credential: Credential
    authority: Authority
    whole: tuple[str, ...]
    reached: tuple[Reached, ...]

    @property
    def environments(self) -> tuple[str, ...]:
        """By name, those with something irreversible first."""
        worst = {each.environment: False for each in self.reached}
        for each in self.reached:
            worst[each.environment] |= each.irreversible
        return tuple(sorted(worst, key=lambda name: (not worst[name], name)))

    def within(self, environment: str) -> tuple[Reached, ...]:
        """What stands in an environment, the worst first."""
        here = (each for each in self.reached if each.environment == environment)
        return tuple(sorted(here, key=lambda each: (not each.irreversible, -each.effect.harm, each.name)))


@dataclass(frozen=True, slots=True)
class Gap:
    """What a credential can do beyond its purpose. `known` False: nobody knows what it can do."""

    known: bool
    purpose: str
    beyond: tuple[Permission, ...]
    total: int

    @property
    def number(self) -> int:
        return len(self.beyond)


def blast_radius(credential: Credential, authority: Authority, resources: Iterable[Resource] = ()) -> BlastRadius:
    """Join what was proved (`authority`) with what the provider says of each resource (its backups, its dependants)."""
    known = {f"{resource.ref.kind}:{resource.ref.id}": resource for resource in resources}
    whole = tuple(
        dict.fromkeys(_named(p) for p in authority.permissions if p.environment == EVERYWHERE and _blanket(p))
    )
    grouped: dict[tuple[str, str], list[Permission]] = {}
    for permission in authority.permissions:
        if not (permission.environment == EVERYWHERE and _blanket(permission)):
            grouped.setdefault((permission.environment, permission.resource), []).append(permission)
    reached = tuple(_reached(permissions, known.get(resource)) for (_, resource), permissions in grouped.items())
    return BlastRadius(credential, authority, whole, reached)


def gap(authority: Authority, purpose: str, needed: Iterable[str] = ()) -> Gap:
    """Authority minus purpose. `needed` are the actions that the purpose takes (shell patterns, any case).

    Without them the words of the purpose stand in: "manage domains" takes what has "domain" in its name, no more.
    """
    patterns = [pattern.lower() for pattern in needed] or [f"*{word}*" for word in _words(purpose)]
    beyond = tuple(permission for permission in authority.permissions if not _needed(permission, patterns))
    return Gap(authority.known, purpose, beyond, len(authority.permissions))


def _needed(permission: Permission, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(permission.actions.lower(), pattern) for pattern in patterns)


def _words(purpose: str) -> list[str]:
    words = (word.removesuffix("s") for word in re.findall(r"[a-z]+", purpose.lower()))
    return [word for word in words if len(word) >= _SHORTEST_WORD and word not in _SAYS_NOTHING]


def _blanket(permission: Permission) -> bool:
    return permission.actions == EVERYWHERE


def _named(permission: Permission) -> str:
    kind = permission.resource.partition(":")[0]
    return f"{kind} {permission.resource_name}"


def _reached(permissions: list[Permission], resource: Resource | None) -> Reached:
    worst = max(permissions, key=lambda permission: (permission.recovery is Recovery.NONE, permission.effect.harm))
    backups = resource.backups if resource is not None else ()
    return Reached(
        resource=worst.resource,
        name=worst.resource_name,
        environment=worst.environment,
        actions=tuple(dict.fromkeys(permission.actions for permission in permissions)),
        effect=max((permission.effect for permission in permissions), key=lambda effect: effect.harm),
        recovery=worst.recovery,
        dying=tuple(backup for backup in backups if backup.dies_with_resource),
        outliving=tuple(backup for backup in backups if not backup.dies_with_resource),
    )
