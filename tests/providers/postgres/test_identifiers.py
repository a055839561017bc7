"""Lists of names are read as the server reads them, character for character."""

from __future__ import annotations

import psycopg
import pytest

from yett.model.errors import Unreadable
from yett.providers.postgres.identifiers import split, words

ODD = ("\u00dcx", "\u212ax", "\u00a0x", "\u0663x", 'a"b', 'a"b"', "A b", "x\u00a0", "\u2003", "k", "a,b")
LISTS = (
    "\u00dcX, public",
    "\u212aX",
    "\u00a0X , k",
    "x\u00a0,K",
    "\u0663x",
    '"a""b", "A b"',
    '\t"a,b"\n,\v k \f',
    "\u2003",
    "",
    '"k"',
    'a"B"',
)


@pytest.fixture(scope="module")
def connection(postgres):  # type: ignore[no-untyped-def]
    with psycopg.connect(postgres.database(), autocommit=True) as connection:
        for name in ODD:
            connection.execute(f'CREATE SCHEMA "{name.replace(chr(34), chr(34) * 2)}"')  # type: ignore[call-overload]
        yield connection


@pytest.mark.parametrize("names", LISTS)
def test_a_list_of_names_is_what_the_server_takes_it_for(connection, names: str) -> None:  # type: ignore[no-untyped-def]
    connection.execute("SELECT set_config('search_path', %s, false)", (names,))
    (theirs,) = connection.execute("SELECT pg_catalog.current_schemas(false)").fetchone()
    assert split(names) == theirs


@pytest.mark.parametrize("names", ["a b", '"a', ",", "a,,b", '"a"b'])
def test_what_the_server_takes_for_no_list_is_none(connection, names: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        connection.execute("SELECT set_config('search_path', %s, false)", (names,))
    with pytest.raises(Unreadable):
        split(names)


def test_words_are_all_that_could_be_names() -> None:
    text = """SELECT "e-mail", u.Name FROM users u WHERE note = 'a "' AND "so ""far\"\"" > \u00a0x"""
    assert {"e-mail", "Name", "name", "u", "users", 'so "far"', "\u00a0x"} <= words(text)
