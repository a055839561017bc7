"""What is true of an operation's resources right now, asked of the provider with Yett's own credential (law 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from yett.model.effects import Recovery
from yett.model.identity import Task
from yett.model.operation import Attempt, GitRef, Governed, Operation
from yett.model.resource import Backup, Place, Resource, ResourceRef
from yett.model.undo import UndoPlan

NO_UNDO = UndoPlan(possible=False, how="", gaps=("Yett has no way to bring this back",))


class Facts(Protocol):
    """The checkpoint's eyes. `fresh` asks the provider again, whatever was remembered."""

    async def resources(self, operation: Operation, *, fresh: bool) -> tuple[Resource, ...]: ...

    async def undo_plan(self, operation: Operation, resources: tuple[Resource, ...]) -> UndoPlan: ...

    def place(self, task: Task, resource: Resource) -> Place: ...

    def labels(self, resource: Resource) -> tuple[str, ...]:
        """What the signed map calls the resource's environments: the names that policies are written with."""
        ...

    def standing(self) -> object:
        """Changes its identity whenever `place` or `labels` may answer otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Situated:
    """One operation on one resource (None: a host, a git ref, or a provider as a whole), with all that decides it."""

    operation: Operation
    resource: Resource | None
    place: Place
    irreversible: bool
    undo: UndoPlan
    labels: tuple[str, ...] = ()


def surviving(backups: tuple[Backup, ...]) -> tuple[Backup, ...]:
    """The copies that outlive their resource."""
    return tuple(backup for backup in backups if not backup.dies_with_resource)


def is_irreversible(operation: Operation, resource: Resource | None) -> bool:
    """Recovery none, or from a backup where every backup dies with the resource; Yett's own undo not counted."""
    if operation.recovery is Recovery.NONE:
        return True
    if operation.recovery is not Recovery.FROM_BACKUP:
        return False
    return resource is None or not surviving(resource.backups)


def unseen(ref: ResourceRef) -> Resource:
    """A resource that Yett could not look at: no environment, so it counts as production elsewhere."""
    return Resource(ref=ref, name="", environments=())


def at_once(attempt: Attempt) -> tuple[Situated, ...] | None:
    """Situations that need no look at a provider: hosts, git refs, placeless acts. None if any operation needs one."""
    found = []
    for operation in attempt.operations:
        target = operation.target
        if isinstance(target, Governed) and not (target.placeless and not target.resources):
            return None
        found.append(_without_resource(operation))
    return tuple(found)


def _without_resource(operation: Operation) -> Situated:
    target = operation.target
    in_task = isinstance(target, GitRef) or (isinstance(target, Governed) and target.placeless)
    place = Place.TASK if in_task else Place.ELSEWHERE
    return Situated(operation, None, place, is_irreversible(operation, None), NO_UNDO)


async def situate(facts: Facts, task: Task, attempt: Attempt, *, fresh: bool) -> tuple[Situated, ...]:
    """Every resource of every operation with its place, reversibility and undo."""
    if attempt.resources is not None:
        return at_hand(facts, task, attempt)
    found: list[Situated] = []
    for operation in attempt.operations:
        if not isinstance(operation.target, Governed) or not operation.target.resources:
            found.append(_without_resource(operation))
            continue
        resources = await facts.resources(operation, fresh=fresh)
        plan = attempt.undo.plan if attempt.undo else await facts.undo_plan(operation, resources)
        found += [_situated(facts, task, operation, resource, plan) for resource in resources]
    return tuple(found)


def at_hand(facts: Facts, task: Task, attempt: Attempt) -> tuple[Situated, ...]:
    """The same for a wire that knows its resources itself. One that it does not describe stands in no environment."""
    known = {resource.ref: resource for resource in attempt.resources or ()}
    plan = attempt.undo.plan if attempt.undo else NO_UNDO
    found: list[Situated] = []
    for operation in attempt.operations:
        refs = operation.target.resources if isinstance(operation.target, Governed) else ()
        found += [_situated(facts, task, operation, known.get(ref) or unseen(ref), plan) for ref in refs]
        if not refs:
            found.append(_without_resource(operation))
    return tuple(found)


def _situated(facts: Facts, task: Task, operation: Operation, resource: Resource, plan: UndoPlan) -> Situated:
    place, labels = facts.place(task, resource), facts.labels(resource)
    return Situated(operation, resource, place, is_irreversible(operation, resource), plan, labels)
