"""A grant covers what it lists, so often, so long; and some things never."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from refusals import refused
from scene import VOLUME, Scene, on_resource, situated, volume_delete

from yett.approvals.acts import ActKind, ActState
from yett.approvals.facts import Facts
from yett.approvals.grants import Grant, covering_grant, reserve_grant
from yett.approvals.hold import SECOND
from yett.model.effects import Effect
from yett.model.resource import Place, ResourceRef


def write(session: str = "s-1") -> Facts:
    facts = volume_delete(session=session)
    operation = replace(facts.attempt.operations[0], action="railway:variableUpsert", effect=Effect.WRITE)
    return situated(facts, operation=operation, irreversible=False, place=Place.PRODUCTION)


def body(plane: Scene, **change: Any) -> dict[str, Any]:
    return {
        "session": "s-1",
        "owner": "Ada",
        "actions": ["railway:variableUpsert"],
        "resources": [[VOLUME.provider, VOLUME.kind, VOLUME.id]],
        "count": 2,
        "expires": plane.clock() + 3600 * SECOND,
        **change,
    }


def give(plane: Scene, **change: Any) -> Grant:
    plane.enrol_first()
    act = plane.do(plane.desk.propose(ActKind.GRANT, body(plane, **change), "yett grant"))
    assert plane.sign(act.id, "Ada").state is ActState.DONE
    found = covering(plane, write())
    assert found is not None
    return found


def covering(plane: Scene, facts: Facts) -> Grant | None:
    session = facts.attempt.session.id
    return plane.desk.read(lambda r: covering_grant(r, session, facts.situations, plane.clock()))


def reserve(plane: Scene, grant: Grant, facts: Facts) -> None:
    session, now = facts.attempt.session.id, plane.clock()
    plane.do(plane.journal.run(lambda tx: reserve_grant(tx, grant.id, session, facts.situations, now)))


def test_grant_is_used_up(plane: Scene) -> None:
    grant = give(plane)
    reserve(plane, grant, write())
    reserve(plane, grant, write())
    assert covering(plane, write()) is None
    with refused("grant"):
        reserve(plane, grant, write())


def test_grant_ends_with_its_time_and_its_session(plane: Scene) -> None:
    grant = give(plane)
    assert covering(plane, write("s-2")) is None
    with refused("grant"):
        reserve(plane, grant, write("s-2"))
    plane.do(plane.desk.end_session("s-1", "over"))
    assert covering(plane, write()) is None
    with refused("grant"):
        reserve(plane, grant, write())


_NEVER: dict[str, dict[str, Any]] = {
    "irreversible": {"irreversible": True},
    "no resource": {"resource": None},
}


@pytest.mark.parametrize("change", _NEVER.values(), ids=_NEVER.keys())
def test_grant_never_covers(plane: Scene, change: dict[str, Any]) -> None:
    grant = give(plane)
    assert not grant.covers(situated(write(), **change).situations)


@pytest.mark.parametrize("effect", [Effect.ADMIN, Effect.UNKNOWN])
def test_grant_never_covers_admin_or_unknown(plane: Scene, effect: Effect) -> None:
    grant = give(plane)
    operation = replace(write().situations[0].operation, effect=effect)
    for place in Place:
        assert not grant.covers(situated(write(), operation=operation, place=place).situations)


def test_grant_covers_deletes_in_the_tasks_own_place_only(plane: Scene) -> None:
    grant = give(plane)
    operation = replace(write().situations[0].operation, effect=Effect.DELETE)
    assert grant.covers(situated(write(), operation=operation, place=Place.TASK).situations)
    assert not grant.covers(situated(write(), operation=operation, place=Place.PRODUCTION).situations)
    assert not grant.covers(situated(write(), operation=operation, place=Place.ELSEWHERE).situations)


def test_grant_covers_all_of_an_attempt_or_nothing(plane: Scene) -> None:
    grant = give(plane)
    (other,) = on_resource(write(), ref=ResourceRef("railway", "volume", "another")).situations
    assert not grant.covers([*write().situations, other])
    assert not grant.covers([])


_UNBOUNDED: dict[str, dict[str, Any]] = {
    "no session": {"session": ""},
    "no owner": {"owner": ""},
    "no action": {"actions": []},
    "every action": {"actions": ["railway:*"]},
    "no resource": {"resources": []},
    "every resource": {"resources": [["railway", "volume", "*"]]},
    "half a resource": {"resources": [["railway", "volume"]]},
    "no count": {"count": None},
    "none": {"count": 0},
    "too many": {"count": 1001},
    "a claim": {"count": True},
    "for ever": {"expires": 2**62},
    "over": {"expires": 1},
}


@pytest.mark.parametrize("change", _UNBOUNDED.values(), ids=_UNBOUNDED.keys())
def test_unbounded_grant_is_not_even_proposed(plane: Scene, change: dict[str, Any]) -> None:
    with refused("grant"):
        plane.do(plane.desk.propose(ActKind.GRANT, body(plane, **change), "yett grant"))
