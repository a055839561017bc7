"""What is true of resources: reversibility without Yett's own undo, and what a provider could not show."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from operations_of_tests import STAGING, VOLUME, attempt, backup, operation, read_of, resource, session

from yett.checkpoint.facts import at_once, is_irreversible, situate, surviving, unseen
from yett.model.effects import Effect, Recovery
from yett.model.identity import Task
from yett.model.operation import GitRef, Governed, Operation
from yett.model.resource import Place, Resource, ResourceRef
from yett.model.undo import UndoPlan


@pytest.mark.parametrize(
    ("recovery", "backups", "irreversible"),
    [
        (Recovery.NONE, (), True),
        (Recovery.NONE, (backup("b", dies=False),), True),
        (Recovery.AUTOMATIC, (), False),
        (Recovery.FROM_UNDO, (), False),
        (Recovery.FROM_BACKUP, (), True),
        (Recovery.FROM_BACKUP, (backup("b", dies=True), backup("c", dies=True)), True),
        (Recovery.FROM_BACKUP, (backup("b", dies=True), backup("c", dies=False)), False),
    ],
)
def test_it_is_irreversible_where_nothing_is_left(
    recovery: Recovery,
    backups: tuple,
    irreversible: bool,  # type: ignore[type-arg]
) -> None:
    assert is_irreversible(operation(recovery=recovery), resource(STAGING, backups=backups)) is irreversible


def test_from_a_backup_of_nothing_that_could_be_looked_at_is_irreversible() -> None:
    assert is_irreversible(operation(recovery=Recovery.FROM_BACKUP), None)


def test_backups_that_die_with_their_resource_do_not_survive() -> None:
    kept = backup("c", dies=False)
    assert surviving((backup("b", dies=True), kept)) == (kept,)


def test_what_was_not_seen_stands_nowhere_and_has_no_backups() -> None:
    found = unseen(VOLUME)
    assert found.environments == ()
    assert found.backups == ()


class Eyes:
    """Facts of two volumes, one of them not to be seen."""

    def __init__(self) -> None:
        self.asked: list[bool] = []

    async def resources(self, operation: Operation, *, fresh: bool) -> tuple[Resource, ...]:
        self.asked.append(fresh)
        assert isinstance(operation.target, Governed)
        seen = {VOLUME: resource(STAGING)}
        return tuple(seen.get(ref) or unseen(ref) for ref in operation.target.resources)

    async def undo_plan(self, operation: Operation, resources: tuple[Resource, ...]) -> UndoPlan:
        return UndoPlan(True, "a dump", ())

    def place(self, task: Task, resource: Resource) -> Place:
        return Place.TASK if resource.environments else Place.ELSEWHERE

    def labels(self, resource: Resource) -> tuple[str, ...]:
        return ()


def test_every_resource_of_an_operation_is_a_situation_of_its_own() -> None:
    both = operation(target=Governed("railway", (VOLUME, ResourceRef("railway", "volume", "hidden"))))
    eyes = Eyes()
    found = asyncio.run(situate(eyes, session().task, attempt(both), fresh=True))
    assert [situated.place for situated in found] == [Place.TASK, Place.ELSEWHERE]
    assert eyes.asked == [True]


def test_an_account_as_a_whole_is_elsewhere_and_needs_no_look() -> None:
    eyes = Eyes()
    (found,) = asyncio.run(situate(eyes, session().task, attempt(operation(target=Governed("railway"))), fresh=True))
    assert found.place is Place.ELSEWHERE
    assert found.resource is None
    assert not found.undo.possible
    assert eyes.asked == []


def test_what_is_declared_to_stand_nowhere_is_the_tasks_own() -> None:
    (found,) = at_once(attempt(operation(Effect.READ, Governed("anthropic", placeless=True)))) or ()
    assert found.place is Place.TASK


def test_a_git_ref_is_the_tasks_own_place() -> None:
    (found,) = at_once(attempt(operation(Effect.READ, GitRef("origin", "main")))) or ()
    assert found.place is Place.TASK


def test_one_resource_that_must_be_looked_at_delays_all() -> None:
    assert at_once(attempt(read_of(), read_of())) is not None
    assert at_once(attempt(read_of(), operation(Effect.READ))) is None
    named = Governed("anthropic", (VOLUME,), placeless=True)
    assert at_once(attempt(operation(Effect.READ, named))) is None, "placeless is for what names no resource"


def test_what_a_wire_knows_itself_is_asked_of_nobody_and_what_it_leaves_out_stands_nowhere() -> None:
    table, hidden = ResourceRef("postgres", "table", "1/2/3"), ResourceRef("postgres", "table", "1/2/4")
    known = Resource(table, "public.users", (STAGING,))
    eyes = Eyes()
    reading = replace(attempt(operation(target=Governed("postgres", (table, hidden)))), resources=(known,))
    found = asyncio.run(situate(eyes, session().task, reading, fresh=True))
    assert [situated.place for situated in found] == [Place.TASK, Place.ELSEWHERE]
    assert not eyes.asked
    assert all(not situated.undo.possible for situated in found)
