"""From what a transaction ran to where its undo looks first."""

from __future__ import annotations

import struct
from uuid import UUID

from yett.gateway.databases.statements.attempts import Ran
from yett.gateway.databases.undos.aims import MOST_BYTES, MOST_STATEMENTS, aims_of
from yett.gateway.postgres.messages import Binary
from yett.model.effects import Effect, Recovery
from yett.operations.sql.statement import Statement, Way
from yett.providers.postgres.guard.rows.aim import Aim

USERS, CARS = 10, 20


def ran(text: str, *parameters: bytes | None, tag: str = "UPDATE", named: int = USERS, executes: str = "") -> Ran:
    way, tables = (Way.PASS, frozenset[int]()) if tag == "SELECT" else (Way.GUARD, frozenset({named}))
    statement = Statement(
        text, tag, way, Effect.WRITE, Recovery.FROM_UNDO, (), (), text, named=tables, executes=executes
    )
    return Ran(statement, parameters)


def is_id(*values: str) -> Aim:
    return Aim((("id", values),))


ONE = ran("update users set a = 1 where id = 1")


def test_each_table_has_what_its_statements_say() -> None:
    cars = ran("delete from cars where id in (2, 3)", tag="DELETE", named=CARS)
    found = aims_of([ONE, cars, ran("update users set a = 2 where id = $1", b"4"), ran("select 1", tag="SELECT")])
    assert found == {USERS: (is_id("1"), is_id("4")), CARS: (is_id("2", "3"),)}


def test_values_in_binary_form_are_read_by_their_length() -> None:
    key = UUID(int=7)
    for value, said in (
        (struct.pack("!h", -2), "-2"),
        (struct.pack("!i", 70_000), "70000"),
        (struct.pack("!q", 1 << 40), str(1 << 40)),
        (key.bytes, str(key)),
        (b"abc", "abc"),
    ):
        assert aims_of([ran("update users set a = 1 where id = $1", Binary(value))]) == {USERS: (is_id(said),)}
    assert aims_of([ran("update users set a = 1 where id = $1", Binary(b"\xff\xfe\xfd"))]) == {}


def test_what_says_nothing_takes_all_away_of_its_table() -> None:
    for other in (
        ran("update users set a = 1"),
        ran("execute p(1)", tag="EXECUTE", executes="p"),
        ran("copy users from stdin", tag="COPY"),
    ):
        assert aims_of([ONE, other]) == aims_of([other, ONE]) == {}


def test_rows_that_are_added_beside_take_nothing_away() -> None:
    assert aims_of([ONE, ran("insert into users values (1)", tag="INSERT")]) == {USERS: (is_id("1"),)}


def test_nobody_waits_for_a_long_transaction_to_be_read_again() -> None:
    assert aims_of([ONE] * MOST_STATEMENTS)
    assert aims_of([ONE] * (MOST_STATEMENTS + 1)) == {}
    assert aims_of([ran(ONE.statement.text + " " * 1_000)] * (MOST_BYTES // 1_000)) == {}
