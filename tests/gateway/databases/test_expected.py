"""How many rows a statement is said to change before it runs: counted, estimated, not known."""

from __future__ import annotations

import pytest

from yett.gateway.databases.shown.expected import expected
from yett.gateway.databases.shown.looking import About
from yett.model.effects import Effect, Recovery
from yett.model.operation import Rows
from yett.operations.sql.statement import Statement, Touched, Verb, Way

USERS, BOOKINGS = 101, 102
UNKNOWN = Rows("public.bookings", -1, -1, -1)


def statement(*verbs: Verb, reaches: Verb | None = None) -> Statement:
    touched = [Touched(USERS, "public", "users", verb) for verb in verbs]
    if reaches:
        touched.append(Touched(BOOKINGS, "public", "bookings", reaches))
    return Statement(
        "", "X", Way.ASK, Effect.DELETE, Recovery.FROM_UNDO, tuple(touched), named=frozenset({USERS})
    )  # fmt: skip


def of(one: Statement, rows: int = -1, *, estimated: bool = True, guess: int | None = None) -> Rows:
    known = {USERS: About(1, (), rows=rows, estimated=estimated)}
    return expected([one], known, {} if guess is None else {USERS: guess})[-1]


@pytest.mark.parametrize("verb", [Verb.DROP, Verb.TRUNCATE])
@pytest.mark.parametrize("estimated", [True, False])
def test_what_takes_a_table_deletes_all_its_rows(verb: Verb, estimated: bool) -> None:
    assert of(statement(verb), 400, estimated=estimated) == Rows("public.users", deleted=400, estimated=estimated)


def test_what_nobody_counted_and_no_statistics_know_is_unknown() -> None:
    assert not of(statement(Verb.DROP)).known
    assert not of(statement(Verb.DELETE)).known
    assert not of(statement(Verb.INSERT), 400).known


def test_the_planner_is_believed_before_the_size_of_the_table() -> None:
    assert of(statement(Verb.DELETE), 400, guess=7) == Rows("public.users", deleted=7, estimated=True)
    assert of(statement(Verb.DELETE), 400) == Rows("public.users", deleted=400, estimated=True)
    assert of(statement(Verb.INSERT), 400, guess=7) == Rows("public.users", inserted=7, estimated=True)


def test_a_delete_that_was_counted_is_an_estimate_all_the_same() -> None:
    assert of(statement(Verb.DELETE), 400, estimated=False).estimated


def test_merge_may_do_each_of_its_verbs_to_as_many() -> None:
    assert of(statement(Verb.UPDATE, Verb.INSERT), 400, guess=7) == Rows("public.users", 0, 7, 7, estimated=True)
    assert not of(statement(Verb.UPDATE, Verb.INSERT), 400).known


def test_an_estimate_of_none_leaves_room_for_one() -> None:
    assert of(statement(Verb.DELETE), 0, guess=0).deleted == 1


def test_what_a_cascade_does_nobody_knows_before() -> None:
    one = statement(Verb.DELETE, reaches=Verb.DELETE)
    known = {USERS: About(1, (), rows=400), BOOKINGS: About(1, (), rows=900)}
    assert expected([one], known, {USERS: 3})[0] == UNKNOWN


def test_of_several_statements_nobody_knows_what_is_left_for_each() -> None:
    one = statement(Verb.DELETE)
    assert not expected([one, one], {USERS: About(1, (), rows=400)}, {})[0].known


def test_what_holds_no_rows_is_not_listed() -> None:
    assert expected([statement(Verb.DROP)], {USERS: About(0, (), holds_rows=False)}, {}) == ()
