"""From statements and what they did to what is decided: effect, reach, what is said and what is signed."""

from __future__ import annotations

import json

import pytest

from yett.gateway.databases.registry import Database
from yett.gateway.databases.statements.attempts import (
    MOST_CHANGED,
    MOST_DELETED,
    Changed,
    Ran,
    measured,
    planned,
    reading,
)
from yett.model.effects import Effect, Recovery
from yett.model.identity import Principal, Session, Task
from yett.model.operation import Attempt, Rows
from yett.model.resource import ResourceRef
from yett.operations.sql.statement import Statement, Touched, Verb, Way

DATABASE = Database("saastr", "7/5", "127.0.0.1", 5432, "saas", "staging", "database/saastr", {})
SESSION = Session("s-1", Principal("agent.ada", "ada", "agent"), Task("t-1", "tidy", "staging", False, 0, 9e9), "/w")
USERS, BOOKINGS = 101, 102


def statement(way: Way = Way.GUARD, effect: Effect = Effect.DELETE, **more: object) -> Statement:
    text = str(more.pop("text", "DELETE FROM users WHERE email = 'secret@example.com'"))
    touched = more.pop("touched", (Touched(USERS, "public", "users", Verb.DELETE),))
    return Statement(
        text=text, tag="DELETE", way=way, effect=effect, recovery=more.pop("recovery", Recovery.FROM_UNDO),  # type: ignore[arg-type]
        touched=touched, named=frozenset({USERS}), redacted="DELETE FROM users WHERE email = $1", **more,  # type: ignore[arg-type]
    )  # fmt: skip


def done(*changed: Changed, of: Statement | None = None) -> Attempt:
    return measured(SESSION, DATABASE, [Ran(of or statement())], changed, "role", undo=None)  # type: ignore[arg-type]


def users(**rows: int) -> Changed:
    return Changed(USERS, Rows("public.users", **rows))


def test_a_delete_of_one_row_is_what_it_says() -> None:
    (operation,) = done(users(deleted=1)).operations
    assert (operation.action, operation.effect) == ("postgres:delete", Effect.DELETE)
    assert operation.recovery is Recovery.FROM_UNDO
    assert operation.rows == (Rows("public.users", deleted=1),)


@pytest.mark.parametrize(
    ("changed", "of"),
    [
        ((users(deleted=MOST_DELETED + 1),), statement()),
        ((users(updated=MOST_CHANGED + 1),), statement(effect=Effect.WRITE)),
        ((users(deleted=1), Changed(BOOKINGS, Rows("public.bookings", deleted=1))), statement()),
        ((users(deleted=1), Changed(BOOKINGS, Rows("public.bookings", updated=1))), statement()),
        ((users(deleted=1),), statement(unbounded=True)),
    ],
    ids=["too many deleted", "too many changed", "a cascade", "detaches", "no choice of rows"],
)
def test_what_reaches_further_than_its_words_needs_a_person(changed: tuple[Changed, ...], of: Statement) -> None:
    assert done(*changed, of=of).operations[0].action.endswith(".beyond")


@pytest.mark.parametrize(
    ("changed", "of"),
    [
        ((users(deleted=MOST_DELETED),), statement()),
        ((users(updated=1), Changed(BOOKINGS, Rows("public.bookings", inserted=5))), statement(effect=Effect.WRITE)),
        ((users(),), statement(unbounded=True)),
    ],
    ids=["as many as may be", "a trigger that adds to another table", "nothing was there"],
)
def test_what_stays_within_its_words_does_not(changed: tuple[Changed, ...], of: Statement) -> None:
    assert not done(*changed, of=of).operations[0].action.endswith(".beyond")


def test_a_relation_that_is_reached_and_not_named_is_further() -> None:
    touched = (Touched(USERS, "public", "users", Verb.DELETE), Touched(BOOKINGS, "public", "bookings", Verb.DELETE))
    both = users(deleted=1), Changed(BOOKINGS, Rows("public.bookings", deleted=1))
    assert done(*both, of=statement(touched=touched)).operations[0].action == "postgres:delete.beyond"


def test_the_same_statements_with_other_counts_are_the_same_act_and_in_other_tables_another() -> None:
    one, other = done(users(deleted=1)), done(users(deleted=2))
    assert one.operations[0].as_json() == other.operations[0].as_json()
    assert one.request_digest == other.request_digest
    assert done(users(updated=1)).operations[0].as_json() != one.operations[0].as_json()
    further = done(users(deleted=1), Changed(BOOKINGS, Rows("public.bookings", deleted=1)))
    assert further.operations[0].as_json() != one.operations[0].as_json()


def test_what_was_bound_is_a_part_of_the_act() -> None:
    bound = [Ran(statement(), (b"1", None, b"\xff"))]
    attempt = planned(SESSION, DATABASE, bound, "role", None)
    assert attempt.operations[0].parameters["bound"] == [["1", None, "ff"]]
    assert (
        attempt.request_digest != planned(SESSION, DATABASE, [Ran(statement(), (b"2",))], "role", None).request_digest
    )


def test_a_literal_is_in_what_is_signed_and_never_in_what_is_logged() -> None:
    attempt = done(users(deleted=1))
    assert "secret@example.com" in json.dumps(attempt.operations[0].as_json())
    assert attempt.summary == "saastr: DELETE FROM users WHERE email = $1"


def test_a_read_names_its_tables_and_where_they_stand() -> None:
    read = statement(Way.PASS, Effect.READ, touched=(Touched(USERS, "public", "users", Verb.READ),))
    attempt = reading(SESSION, DATABASE, b"select 1", [read], "role")
    (resource,) = attempt.resources or ()
    assert resource.ref == ResourceRef("postgres", "table", "7/5/101")
    assert (resource.name, resource.environments[0].name) == ("public.users", "staging")
    assert resource.parents == (ResourceRef("postgres", "database", "7/5"),)


def test_a_read_of_no_table_is_of_the_database() -> None:
    (resource,) = reading(SESSION, DATABASE, b"select 1", [], "role").resources or ()
    assert resource.ref == DATABASE.ref


@pytest.mark.parametrize(
    ("of", "action"),
    [
        (statement(Way.DUMP, Effect.WRITE), "postgres:define.beyond"),
        (statement(Way.DUMP, Effect.DELETE), "postgres:drop.beyond"),
        (statement(Way.ALONE, Effect.DELETE), "postgres:drop.beyond"),
        (statement(Way.ALONE, Effect.WRITE), "postgres:write.beyond"),
        (statement(Way.ASK, Effect.WRITE), "postgres:write.beyond"),
        (statement(Way.ASK, Effect.UNKNOWN), "postgres:unknown"),
        (statement(Way.DUMP, Effect.ADMIN), "postgres:admin"),
        (statement(Way.GUARD, Effect.WRITE), "postgres:write"),
    ],
)
def test_what_a_policy_is_told_of_a_plan(of: Statement, action: str) -> None:
    (operation,) = planned(SESSION, DATABASE, [Ran(of)], "role", None).operations
    assert operation.action == action
    assert all(not rows.known for rows in operation.rows)


def test_the_worst_of_several_statements_decides() -> None:
    ran = [Ran(statement(Way.GUARD, Effect.WRITE)), Ran(statement(Way.DUMP, Effect.DELETE, recovery=Recovery.NONE))]
    (operation,) = planned(SESSION, DATABASE, ran, "role", None).operations
    assert (operation.effect, operation.recovery) == (Effect.DELETE, Recovery.NONE)
    assert operation.cost.deletes == 1
