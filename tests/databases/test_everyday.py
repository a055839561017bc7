"""What an agent does all day, and what it must not be asked about."""

from __future__ import annotations

import psycopg
import pytest
from tests.databases.company_of_tests import Company

CONTRIB = """
CREATE EXTENSION moddatetime;
CREATE EXTENSION tsm_system_rows;
CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION moddatetime(created);
"""


@pytest.fixture
def contrib(company: Company) -> Company:
    if not company.truth("SELECT FROM pg_available_extensions WHERE name = 'moddatetime'"):
        pytest.skip("this server has no contrib")
    company.directly(CONTRIB)
    return company


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("how", ["", " INCLUDING DEFAULTS", " INCLUDING ALL"])
def test_rows_are_copied_into_a_table_like_another_and_merged(company: Company, how: str, *, autocommit: bool) -> None:
    with company.connect(autocommit=autocommit) as connection:
        connection.execute(f"CREATE TEMP TABLE staging (LIKE cars{how})".encode())
        with connection.cursor().copy("COPY staging (id, plate, seats) FROM STDIN") as copy:
            copy.write_row((1, "NEW-1", 5))
            copy.write_row((1000, "NEW-2", 5))
        connection.execute(
            "INSERT INTO cars SELECT * FROM staging ON CONFLICT (id) DO UPDATE SET plate = EXCLUDED.plate"
        )
    assert company.truth("SELECT plate FROM cars WHERE id IN (1, 1000) ORDER BY id") == [("NEW-1",), ("NEW-2",)]


def test_a_table_like_one_whose_default_writes_is_held(company: Company) -> None:
    company.directly(
        "CREATE FUNCTION fills() RETURNS int LANGUAGE sql AS 'DELETE FROM bookings RETURNING 1';"
        "CREATE FUNCTION asks() RETURNS int LANGUAGE sql AS 'SELECT pg_notify(''a'', '''')::text::int';"
        "CREATE TABLE trap (id int DEFAULT fills()); CREATE TABLE snare (id int DEFAULT asks())"
    )
    assert company.held("CREATE TEMP TABLE staging (LIKE snare INCLUDING ALL)")
    with company.connect(autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE staging (LIKE trap INCLUDING ALL)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO staging DEFAULT VALUES")
    assert company.truth("SELECT count(*) FROM bookings") == [(4000,)]


def test_a_trigger_that_keeps_the_time_of_change_is_none_to_ask_about(contrib: Company) -> None:
    contrib.run("UPDATE users SET name = 'A' WHERE id = 1")
    assert contrib.truth("SELECT name, created > now() - interval '1 min' FROM users WHERE id = 1") == [("A", True)]


def test_a_sample_of_rows_by_an_extension(contrib: Company) -> None:
    assert len(contrib.run("SELECT * FROM cars TABLESAMPLE system_rows (5)")) == 5


def test_where_a_sequence_stands_can_be_read(company: Company) -> None:
    assert company.run("SELECT last_value, is_called FROM cars_id_seq") == [(60, True)]


def test_a_block_that_changes_rows_one_by_one(company: Company) -> None:
    company.run(
        "DO $$ DECLARE r record; BEGIN FOR r IN SELECT id FROM cars WHERE id < 4 LOOP"
        " UPDATE cars SET seats = 9 WHERE id = r.id; END LOOP; END $$"
    )
    assert company.truth("SELECT id FROM cars WHERE seats = 9 ORDER BY id") == [(1,), (2,), (3,)]
