"""Statements behind whose dump an undo could not be applied, or left something out without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from guarded import Database, run
from test_restore_attacks import dumped

from yett.providers.postgres.guard.restore import restore

TABLES = """
CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE kinds (id int PRIMARY KEY, n int); CREATE STATISTICS together ON id, n FROM kinds;
CREATE TABLE parts (id int PRIMARY KEY, v text, kind int REFERENCES kinds) PARTITION BY RANGE (id);
CREATE INDEX ON parts (v); CREATE TRIGGER kept BEFORE INSERT ON parts FOR EACH ROW EXECUTE FUNCTION kept();
CREATE TABLE few PARTITION OF parts (CONSTRAINT below CHECK (id < 10)) FOR VALUES FROM (0) TO (10);
CREATE TABLE rest PARTITION OF parts DEFAULT;
CREATE TABLE many PARTITION OF parts FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id);
CREATE TABLE most PARTITION OF many FOR VALUES FROM (100) TO (150);
CREATE INDEX own_one ON few (kind); ALTER TABLE few DISABLE TRIGGER kept;
CREATE VIEW shown WITH (security_barrier) AS SELECT id FROM kinds;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM kinds;
INSERT INTO kinds SELECT g, g FROM generate_series(1, 5) g;
INSERT INTO parts SELECT g, 'v', 1 + g % 5 FROM generate_series(1, 120, 3) g;
REFRESH MATERIALIZED VIEW counted;
"""
DEFINITIONS = (
    "SELECT c.relname, c.relkind::text, c.reloptions, pg_get_expr(c.relpartbound, c.oid),"
    " (SELECT h.inhparent::regclass::text FROM pg_inherits h WHERE h.inhrelid = c.oid),"
    " CASE WHEN c.relkind IN ('i', 'I') THEN pg_get_indexdef(c.oid) WHEN c.relkind IN ('v', 'm')"
    " THEN pg_get_viewdef(c.oid) END FROM pg_class c WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), coninhcount, conislocal FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
    "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
    "SELECT pg_get_statisticsobjdef(oid), stxowner::regrole::text FROM pg_statistic_ext",
    "SELECT * FROM counted",
)


def everything(database: Database) -> list[Any]:
    return [database.digest(), *(database.ask(query) for query in DEFINITIONS)]


@pytest.mark.parametrize(
    ("relation", "statement"),
    [
        ("few", "DROP TABLE few"),
        ("rest", "DROP TABLE rest"),
        ("most", "DROP TABLE most"),
        ("many", "DROP TABLE many"),
        ("parts", "DROP TABLE parts"),
        ("parts", "ALTER TABLE parts DROP COLUMN v"),
        ("few", "ALTER TABLE few DROP CONSTRAINT below"),
        ("kinds", "ALTER TABLE kinds ALTER n TYPE text USING 'x'"),
        ("kinds", "DROP TABLE kinds CASCADE"),
        ("shown", "CREATE OR REPLACE VIEW shown AS SELECT id, n FROM kinds"),
        (
            "counted",
            "INSERT INTO kinds VALUES (9, 9); REFRESH MATERIALIZED VIEW counted; DELETE FROM kinds WHERE id = 9",
        ),
    ],
)
def test_all_of_it_comes_back(database: Database, tmp_path: Path, relation: str, statement: str) -> None:
    database.run(TABLES)
    before = everything(database)
    captured = run(dumped(database, tmp_path / "u", relation, statement))
    run(restore(database, captured, verify=True))
    assert everything(database) == before


TYPES = """
CREATE SCHEMA own; GRANT USAGE ON SCHEMA own TO PUBLIC;
CREATE TYPE own.mood AS ENUM ('sad', 'happy'); CREATE TYPE own.pair AS (a timestamptz, b float8);
CREATE DOMAIN own.above AS numeric CHECK (VALUE > 0);
"""


@pytest.mark.parametrize("made_again", ["DROP SCHEMA own CASCADE", "DROP TYPE own.mood CASCADE"])
def test_values_of_types_that_were_made_again_come_back(database: Database, tmp_path: Path, made_again: str) -> None:
    """They are the same values, and their types have other numbers."""
    database.run(
        f"{TYPES}; CREATE TABLE own.felt (id int PRIMARY KEY, m own.mood, ms own.mood[], p own.pair, n own.above)"
    )
    database.run(
        "INSERT INTO own.felt VALUES (1, 'sad', '{happy,NULL}', (now(), 0.1), 1.50), (2, NULL, NULL, NULL, NULL)"
    )
    query = "SELECT id, m::text, ms::text, p::text, n::text FROM own.felt ORDER BY 1"
    before = database.ask(query)
    schemas = ("own",) if "SCHEMA" in made_again else ()
    captured = run(dumped(database, tmp_path / "u", "own.felt", made_again, schemas))
    if not schemas:
        database.run("CREATE TYPE own.mood AS ENUM ('sad', 'happy')")
    run(restore(database, captured, verify=True))
    assert database.ask(query) == before
