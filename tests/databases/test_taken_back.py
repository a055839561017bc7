"""What ROLLBACK TO has taken back is nobody's loss: it is neither held nor signed, and hides nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import psycopg
import pytest
from tests.databases.company_of_tests import Company
from tests.databases.test_an_agent_works import content
from tests.databases.test_previews import shown

MANY = "DELETE FROM marks WHERE id <= 300"
ONE = "DELETE FROM marks WHERE id = 999"
LEFT = "SELECT count(*) FROM marks"


@pytest.fixture
def marks(company: Company) -> Company:
    """A table of a thousand rows that nothing refers to; three hundred are more than an agent may delete unasked."""
    company.directly(
        "CREATE TABLE marks (id int PRIMARY KEY, n int); INSERT INTO marks SELECT n, 0 FROM generate_series(1, 1000) n"
    )
    company.directly("ANALYZE marks; GRANT ALL ON marks TO PUBLIC")
    return company


def transaction(company: Company, statements: Sequence[str], *, prepare: bool = False) -> None:
    with company.connect(autocommit=True) as connection:
        for statement in ("BEGIN", *statements, "COMMIT"):
            with suppress(psycopg.errors.DivisionByZero):
                connection.execute(statement, prepare=prepare)  # type: ignore[call-overload]


def held(company: Company, statements: Sequence[str]) -> dict[str, dict[str, object]]:
    """What a person is shown of the transaction that must wait."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        transaction(company, statements)
    return shown(company.hold_of(refused.value))


PASSING = {
    "one": ["SAVEPOINT a", MANY, "ROLLBACK TO a", ONE],
    "after a write": [ONE, "SAVEPOINT a", MANY, "ROLLBACK TO a"],
    "again and again": ["SAVEPOINT a", MANY, "ROLLBACK TO a", MANY, "ROLLBACK TO a", ONE],
    "inner and outer": [
        "SAVEPOINT a",
        MANY,
        "SAVEPOINT b",
        MANY.replace("<", ">"),
        "ROLLBACK TO b",
        "ROLLBACK TO a",
        ONE,
    ],
    "released into what is taken back": ["SAVEPOINT a", "SAVEPOINT b", MANY, "RELEASE b", "ROLLBACK TO a", ONE],
    "an error took it back": ["SAVEPOINT a", MANY, "SELECT 1 / (id - id) FROM marks", "ROLLBACK TO a", ONE],
    "of the same name": ["SAVEPOINT a", ONE, "SAVEPOINT a", MANY, "ROLLBACK TO a"],
    "one row of three hundred": ["SAVEPOINT a", MANY, "ROLLBACK TO a", "DELETE FROM marks WHERE id = 5"],
}


@pytest.mark.parametrize("prepare", [False, True], ids=["simple", "prepared"])
@pytest.mark.parametrize("name", PASSING)
def test_what_was_taken_back_holds_nothing_up(marks: Company, name: str, prepare: bool) -> None:
    before = marks.truth("SELECT * FROM marks ORDER BY id")
    transaction(marks, PASSING[name], prepare=prepare)
    assert marks.truth(LEFT) == [(999,)]
    marks.undo()
    assert marks.truth("SELECT * FROM marks ORDER BY id") == before


HOLDING = {
    "done again": (["SAVEPOINT a", MANY, "ROLLBACK TO a", MANY], 300),
    "before it": ([MANY, "SAVEPOINT a", ONE, "ROLLBACK TO a"], 300),
    "released": (["SAVEPOINT a", MANY, "RELEASE a", "SAVEPOINT b", ONE, "ROLLBACK TO b"], 300),
    "between two": (["SAVEPOINT a", MANY, "SAVEPOINT b", ONE, "ROLLBACK TO b"], 300),
    "behind it in one text": (["SAVEPOINT a", MANY, f"ROLLBACK TO a; {MANY}"], 600),
    "with its savepoint in one text": ([f"SAVEPOINT a; {ONE}", MANY, "ROLLBACK TO a", MANY], 601),
    "before the savepoint in one text": (["SAVEPOINT z", f"{MANY}; SAVEPOINT a", "ROLLBACK TO a"], 300),
    "an older one of the name": ([MANY, "SAVEPOINT a", "RELEASE a", "SAVEPOINT a", "ROLLBACK TO a"], 300),
}


@pytest.mark.parametrize("name", HOLDING)
def test_what_stands_is_counted_whatever_was_taken_back_beside_it(marks: Company, name: str) -> None:
    statements, most = HOLDING[name]
    before = content(marks)
    assert shown_of_marks(held(marks, statements)) == most
    assert content(marks) == before
    assert marks.truth(LEFT) == [(1000,)]


def shown_of_marks(rows: dict[str, dict[str, object]]) -> object:
    return rows["public.marks"]["deleted"]


def test_a_table_that_was_only_touched_behind_a_savepoint_is_not_named(marks: Company) -> None:
    touched = ["SAVEPOINT a", "UPDATE users SET plan = 'team' WHERE id = 3", "ROLLBACK TO a"]
    assert set(held(marks, [*touched, MANY])) == {"public.marks"}


def test_a_function_that_takes_back_its_own_counts_as_before(marks: Company) -> None:
    """Nobody looks between its blocks: what they took back stays counted."""
    block = f"DO $$BEGIN BEGIN {MANY}; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN END; {ONE}; END$$"
    assert shown_of_marks(held(marks, [block])) == 301
