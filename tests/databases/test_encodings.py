"""A database that does not keep its data in UTF-8: the server reads names in its own encoding, Yett in UTF-8."""

from __future__ import annotations

import psycopg
import pytest
from tests.databases.company_of_tests import Company

LONG = "\u00e9" * 40
"""80 bytes here and 40 there: cut to 63 here, and whole there."""
DELETE = "DELETE FROM bookings"


def bookings(company: Company) -> list[tuple[int]]:
    return company.truth("SELECT count(*) FROM bookings")


SPACES = "\u00a0" * 40
"""No spaces to the server: a name."""


@pytest.mark.parametrize(
    "quoted",
    [f'"{LONG}%s"', f"{LONG}%s", f"{SPACES}%s", 'U&"' + "\\00e9" * 40 + '%s"'],
    ids=["quoted", "bare", "spaces", "escaped"],
)
def test_two_names_that_are_one_here_are_not_taken_for_each_other(latin: Company, quoted: str) -> None:
    before = bookings(latin)
    harmful, harmless = quoted % "a", quoted % "b"
    with latin.connect(autocommit=True) as connection:
        connection.execute("SELECT 1")
        with pytest.raises(psycopg.Error, match="h-"):  # noqa: PT012 - at the first of them already, or at the last
            for text in (f"PREPARE {harmful} AS {DELETE}", f"PREPARE {harmless} AS SELECT 1", f"EXECUTE {harmful}"):
                connection.execute(text)  # type: ignore[call-overload]
    assert bookings(latin) == before


def test_a_name_that_was_signed_is_asked_about_again_when_it_runs(latin: Company) -> None:
    prepare = f'PREPARE "{LONG}a" AS {DELETE}'
    latin.approve(latin.held(prepare))
    before = bookings(latin)
    with latin.connect(autocommit=True) as connection:
        connection.execute(prepare)  # type: ignore[call-overload]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f'EXECUTE "{LONG}a"')  # type: ignore[call-overload]
    assert bookings(latin) == before


def test_a_savepoint_of_such_a_name_never_passes(latin: Company) -> None:
    with latin.connect() as connection, pytest.raises(psycopg.Error, match="beyond ASCII"):
        connection.execute(f'SAVEPOINT "{LONG}"')  # type: ignore[call-overload]


def test_a_function_whose_body_has_such_a_name_is_not_known(latin: Company) -> None:
    latin.directly(f'CREATE TABLE "{LONG}a" (id int); CREATE TABLE "{LONG[:31]}" (id int)')
    latin.directly(f"CREATE FUNCTION fine() RETURNS int LANGUAGE sql AS 'SELECT count(*)::int FROM \"{LONG}a\"'")
    latin.held("SELECT fine()")


def test_a_search_path_of_such_a_name_is_not_known(latin: Company) -> None:
    with latin.connect() as connection, pytest.raises(psycopg.Error, match="search_path"):
        connection.execute("SELECT set_config('search_path', '\u00c9, public', false)")


def test_values_beyond_ascii_are_nobodys_names(latin: Company) -> None:
    latin.run("INSERT INTO users (email, name, plan) VALUES ('jose@example.test', 'Jos\u00e9', 'free')")
    latin.run("UPDATE users SET name = '\u00c9mile' WHERE name = 'Jos\u00e9' /* renomm\u00e9 */")
    assert latin.run("SELECT name FROM users WHERE name LIKE '\u00c9%'") == [("\u00c9mile",)]
    latin.undo()
    assert latin.run("SELECT count(*) FROM users WHERE name = %s", "Jos\u00e9") == [(1,)]


def test_names_beyond_ascii_are_ordinary_in_utf8(company: Company) -> None:
    company.directly('CREATE TABLE "\u00e9t\u00e9" (id int)')
    assert company.run("SELECT * FROM \u00e9t\u00e9") == []


def test_behind_a_definition_too_names_beyond_ascii_are_ordinary_in_utf8(company: Company) -> None:
    company.directly('CREATE TABLE "\u00e9t\u00e9" (id int)')
    company.approve(company.held("ALTER TABLE cars ADD COLUMN wheels int"))
    with company.connect() as connection:
        connection.execute("ALTER TABLE cars ADD COLUMN wheels int")
        assert connection.execute("SELECT * FROM \u00e9t\u00e9").fetchall() == []
