"""What the server evaluates for a row that comes back, and what was added to a table since it was dumped."""

from __future__ import annotations

from pathlib import Path

import pytest
from guarded import Database, guarded, run
from test_restore_attacks import GRANT, dumped, refused

from yett.providers.postgres.guard.restore import restore

# Names in a body are looked up in the search_path of whoever calls.
FUNCTIONS = """
CREATE FUNCTION inner_one(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(t)';
CREATE FUNCTION outer_one(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN inner_one(t); END';
CREATE DOMAIN checked AS text CHECK (outer_one(VALUE) IS NOT NULL);
"""
EVALUATED = {
    "check": "v text CHECK (outer_one(v) IS NOT NULL)",
    "generated": "v text, g text GENERATED ALWAYS AS (outer_one(v)) STORED",
    "domain": "v checked",
}


@pytest.mark.parametrize("statement", ["DELETE FROM t", "TRUNCATE t"])
@pytest.mark.parametrize("kind", EVALUATED)
def test_functions_of_a_row_find_what_they_call(database: Database, tmp_path: Path, kind: str, statement: str) -> None:
    database.run(f"{FUNCTIONS}; CREATE TABLE t (id int PRIMARY KEY, {EVALUATED[kind]})")
    database.run(f"INSERT INTO t (id, v) VALUES (1, 'A'){GRANT}")
    before = database.digest()
    if statement.startswith("DELETE"):
        _, captured = run(guarded(database, tmp_path / "u", statement))
    else:
        captured = run(dumped(database, tmp_path / "u", "t", statement))
    run(restore(database, captured, verify=True))
    assert database.digest() == before


def test_nothing_is_called_out_of_a_schema_that_others_make_things_in(database: Database, tmp_path: Path) -> None:
    """Yett's role runs it: somebody's function by the same name would have all its rights."""
    database.run(f"{FUNCTIONS}; CREATE TABLE t (id int PRIMARY KEY, {EVALUATED['check']})")
    database.run(f"INSERT INTO t (id, v) VALUES (1, 'A'){GRANT}; GRANT CREATE ON SCHEMA public TO agent")
    _, captured = run(guarded(database, tmp_path / "u", "DELETE FROM t"))
    refused(database, captured, "inner_one")


def test_a_key_whose_not_null_is_not_valid_tells_no_rows_apart(database: Database, tmp_path: Path) -> None:
    if database.ask("SELECT current_setting('server_version_num')::int")[0][0] < 180000:
        pytest.skip("NOT NULL that is NOT VALID came with 18")
    database.run("CREATE TABLE t (a int UNIQUE, v text); INSERT INTO t VALUES (NULL, 'x'), (NULL, 'y'), (1, 'z')")
    database.run(f"ALTER TABLE t ADD CONSTRAINT given NOT NULL a NOT VALID{GRANT}")
    before = database.digest()
    _, captured = run(guarded(database, tmp_path / "u", "DELETE FROM t WHERE v <> 'y'"))
    run(restore(database, captured, verify=True))
    assert database.digest() == before


@pytest.mark.parametrize(
    ("since", "what"),
    [
        ("CREATE STATISTICS together ON id, n FROM t", "a statistic"),
        ("COMMENT ON COLUMN t.id IS 'since'", "a comment"),
        ("CREATE PUBLICATION shown FOR TABLE t", "a place in a publication"),
    ],
)
def test_what_was_added_since_is_not_lost_with_the_table(
    database: Database, tmp_path: Path, since: str, what: str
) -> None:
    database.run(f"CREATE TABLE t (id int PRIMARY KEY, n int, m int); INSERT INTO t VALUES (1, 1, 1){GRANT}")
    captured = run(dumped(database, tmp_path / "u", "t", "ALTER TABLE t DROP COLUMN m"))
    database.run(since)
    refused(database, captured, f"{what}: was made since")
