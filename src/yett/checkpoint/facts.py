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


async def situate(
    facts: Facts, task: Task, operation: Operation, *, fresh: bool, plan: UndoPlan | None = None
) -> tuple[Situated, ...]:
    """Every resource of the operation with its place, reversibility and undo (`plan`: the wire's own)."""
    if not isinstance(operation.target, Governed) or not operation.target.resources:
        return (_without_resource(operation),)
    resources = await facts.resources(operation, fresh=fresh)
    plan = plan or await facts.undo_plan(operation, resources)
    return tuple(
        Situated(operation, r, facts.place(task, r), is_irreversible(operation, r), plan, facts.labels(r))
        for r in resources
    )
