"""What a statement destroys whole is dumped before it runs, with its definition and what depends on it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import psycopg
import pytest
from guarded import Database, connected, read_back, run

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.executing import ServerError
from yett.providers.postgres.guard.guard import Guard
from yett.providers.postgres.guard.restore import conflicts, restore
from yett.providers.postgres.guard.sink import DirectorySink

SHOP = """
CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nick text NOT NULL CHECK (nick <> ''));
CREATE TABLE "odd ""%$.* täble" (id serial PRIMARY KEY, user_id int REFERENCES users, f float8, b bytea, j jsonb,
  t text, double_id int GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE items (id int PRIMARY KEY, odd_id int, CONSTRAINT of_odd FOREIGN KEY (odd_id)
  REFERENCES "odd ""%$.* täble" ON DELETE CASCADE);
CREATE INDEX odd_t ON "odd ""%$.* täble" (t) WHERE t IS NOT NULL;
COMMENT ON TABLE users IS E'two\\nlines \\\\restrict x';
CREATE VIEW shown AS SELECT id, nick FROM users;
CREATE VIEW shown_again AS SELECT * FROM shown WHERE id > 1;
CREATE MATERIALIZED VIEW kept AS SELECT count(*) FROM users;
CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'fired'; END $$;
INSERT INTO users (nick) SELECT 'u' || g FROM generate_series(1, 50) g;
INSERT INTO "odd ""%$.* täble" (user_id, f, b, j, t) SELECT 1 + g % 50,
  CASE g % 3 WHEN 0 THEN 'NaN' WHEN 1 THEN 0.1 ELSE 1e-300 END, decode(md5(g::text), 'hex'),
  '{"a": 1.00}', CASE WHEN g % 2 = 0 THEN E'\\\\.\\n\\tx' END
  FROM generate_series(1, 200) g;
INSERT INTO items SELECT g, g FROM generate_series(1, 100) g;
CREATE TRIGGER logged BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION logged();
ALTER TABLE users ENABLE ALWAYS TRIGGER logged;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON users USING (true);
GRANT SELECT ON shown TO PUBLIC;
CREATE TABLE parted (id int, v text) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT g % 3, 'p' || g FROM generate_series(1, 30) g;
CREATE SCHEMA other;
CREATE TABLE other.things (id int PRIMARY KEY, v text);
CREATE TYPE other.mood AS ENUM ('good', 'bad');
INSERT INTO other.things VALUES (1, 'x');
"""
GIVE = """
DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT c.oid::regclass AS n FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
    WHERE s.nspname IN ('public', 'other') AND c.relkind IN ('r', 'p', 'v', 'm') LOOP
    EXECUTE 'ALTER TABLE ' || r.n || ' OWNER TO agent';
  END LOOP; END $$;
ALTER SCHEMA other OWNER TO agent; GRANT CREATE ON SCHEMA public TO agent;
"""
ODD = 'public."odd ""%$.* täble"'
DEFINITIONS = """
SELECT c.relname, c.relkind::text, c.relrowsecurity, pg_get_userbyid(c.relowner), c.relacl::text,
  obj_description(c.oid, 'pg_class'),
  CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
  (SELECT string_agg(a.attname || format_type(a.atttypid, a.atttypmod) || a.attnotnull::text || a.attidentity::text
    || coalesce(pg_get_expr(d.adbin, d.adrelid), ''), ',' ORDER BY a.attnum)
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  (SELECT string_agg(pg_get_indexdef(i.indexrelid), ',' ORDER BY i.indexrelid::regclass::text) FROM pg_index i
    WHERE i.indrelid = c.oid),
  (SELECT string_agg(k.conname || pg_get_constraintdef(k.oid), ',' ORDER BY k.conname) FROM pg_constraint k
    WHERE k.conrelid = c.oid),
  (SELECT string_agg(pg_get_triggerdef(t.oid) || t.tgenabled::text, ',' ORDER BY t.tgname) FROM pg_trigger t
    WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
  (SELECT string_agg(p.polname, ',') FROM pg_policy p WHERE p.polrelid = c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'other') AND c.relkind IN ('r', 'p', 'v', 'm', 'S') ORDER BY n.nspname, c.relname"""


@pytest.fixture
def shop(database: Database) -> Database:
    database.run(SHOP + GIVE)
    return database


async def destroyed(
    database: Database, folder: Path, statement: str, names: list[str], schemas: tuple[str, ...] = ()
) -> Captured:
    """A DUMP: locked and dumped, then the statement, then what the checkpoint asks for, then COMMIT."""
    folder.mkdir()
    (folder / "rows").mkdir()
    async with connected(database) as agent:
        await agent.rows("BEGIN")
        try:
            guard = Guard(agent, database)
            await guard.baseline()
            oids = [database.ask(f"SELECT '{name}'::regclass::oid::int8")[0][0] for name in names]
            await guard.dump(oids, DirectorySink(folder), schemas=schemas)
            await agent.rows(statement)
            effects = await guard.measure()
            assert effects.rewritten
            await guard.capture(effects, DirectorySink(folder / "rows"))
        except BaseException:
            with contextlib.suppress(ServerError):
                await agent.rows("ROLLBACK")
            raise
        await agent.rows("COMMIT")
    return read_back(folder)


def everything(database: Database) -> Any:
    definitions = {row[0]: row[1:] for row in database.ask(DEFINITIONS)}
    return database.digest(), definitions, sequences(database)


def sequences(database: Database) -> Any:
    return database.ask("SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2")


DESTRUCTIONS = [
    (f"DROP TABLE {ODD} CASCADE", [ODD]),
    ("DROP TABLE users CASCADE", ["users"]),
    (f"DROP TABLE items, {ODD}, users CASCADE", ["items", ODD, "users"]),
    (f"TRUNCATE {ODD} CASCADE", [ODD, "items"]),
    ("TRUNCATE users RESTART IDENTITY CASCADE", ["users", ODD, "items"]),
    (f"DO $$ BEGIN TRUNCATE {ODD} CASCADE; END $$", [ODD, "items"]),
    (f"ALTER TABLE {ODD} DROP COLUMN b", [ODD]),
    (f"ALTER TABLE {ODD} ALTER f TYPE numeric USING 1", [ODD]),
    ("ALTER TABLE users DROP COLUMN nick CASCADE", ["users"]),
    ("ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE", ["users"]),
    ("DROP VIEW shown CASCADE; DROP TABLE users CASCADE", ["users"]),
    ("DROP TABLE parted", ["parted"]),
    ("DROP TABLE parted_1", ["parted_1"]),
    ("TRUNCATE parted", ["parted"]),
    ("DROP VIEW shown CASCADE", ["shown"]),
    ("DROP MATERIALIZED VIEW kept", ["kept"]),
    ("ALTER TABLE parted DETACH PARTITION parted_1; DROP TABLE parted_1", ["parted"]),
]


@pytest.mark.parametrize(("statement", "names"), DESTRUCTIONS)
def test_what_was_destroyed_comes_back_with_its_definition(
    shop: Database, tmp_path: Path, statement: str, names: list[str]
) -> None:
    before = everything(shop)
    captured = run(destroyed(shop, tmp_path / "undo", statement, names))
    assert everything(shop) != before
    assert run(conflicts(shop, captured)) == []
    run(restore(shop, captured, verify=True))
    assert everything(shop) == before


def test_a_schema_comes_back_with_all_that_was_in_it(shop: Database, tmp_path: Path) -> None:
    before = everything(shop)
    captured = run(destroyed(shop, tmp_path / "undo", "DROP SCHEMA other CASCADE", [], ("other",)))
    assert everything(shop) != before
    run(restore(shop, captured, verify=True))
    assert everything(shop) == before


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        (f"DROP TABLE {ODD} CASCADE; DELETE FROM users", [ODD]),
        (f"TRUNCATE {ODD} CASCADE", [ODD]),
        ("DROP TABLE users CASCADE; DROP TABLE parted", ["users"]),
        ("ALTER TABLE items ADD COLUMN x int", []),
        ("ALTER TABLE items RENAME TO renamed", []),
        ("DROP TABLE parted_1", []),
        ("DROP VIEW shown_again", []),
        ("CREATE OR REPLACE VIEW shown_again AS SELECT 1 AS id, 'x' AS nick", []),
        ("DROP SEQUENCE users_id_seq", []),
        ("CLUSTER items USING items_pkey", []),
    ],
)
def test_what_was_not_dumped_is_not_let_through(
    shop: Database, tmp_path: Path, statement: str, names: list[str]
) -> None:
    before = everything(shop)[:2]
    with pytest.raises((Unguardable, ServerError)):
        run(destroyed(shop, tmp_path / "undo", statement, names))
    assert everything(shop)[:2] == before


def test_rows_of_other_tables_are_kept_beside_a_dump(shop: Database, tmp_path: Path) -> None:
    before = everything(shop)
    captured = run(destroyed(shop, tmp_path / "undo", "DROP TABLE items; DELETE FROM parted WHERE id = 1", ["items"]))
    run(restore(shop, read_back(tmp_path / "undo" / "rows"), verify=True))
    run(restore(shop, captured, verify=True))
    assert everything(shop) == before


@pytest.mark.parametrize(
    ("statement", "names", "later"),
    [
        ("TRUNCATE items", ["items"], "INSERT INTO items VALUES (7000, NULL)"),
        ("ALTER TABLE items DROP COLUMN odd_id", ["items"], "UPDATE items SET id = 9000 WHERE id = 1"),
        ("ALTER TABLE items DROP COLUMN odd_id", ["items"], "DELETE FROM items WHERE id = 1"),
        ("ALTER TABLE items DROP COLUMN odd_id", ["items"], "CREATE INDEX later ON items (id)"),
        ("ALTER TABLE items DROP COLUMN odd_id", ["items"], "CREATE VIEW later AS SELECT id FROM items"),
        ("DROP TABLE items", ["items"], "CREATE TABLE items (id int, other text)"),
        ("DROP TABLE parted_1", ["parted"], "CREATE TABLE parted_3 PARTITION OF parted FOR VALUES IN (3)"),
        (
            "DROP VIEW shown_again",
            ["shown"],
            "CREATE OR REPLACE VIEW shown AS SELECT 1 AS id, nick FROM users",
        ),
        ("DROP TABLE items", ["items"], "CREATE TABLE items (id int); INSERT INTO items VALUES (1)"),
        ("TRUNCATE items", ["items"], 'DELETE FROM "odd ""%$.* täble" WHERE id = 5'),
        ("DROP TABLE items", ["items"], 'DROP TABLE "odd ""%$.* täble"'),
    ],
)
def test_what_somebody_did_since_is_not_overwritten(
    shop: Database, tmp_path: Path, statement: str, names: list[str], later: str
) -> None:
    captured = run(destroyed(shop, tmp_path / "undo", statement, names))
    shop.run(later)
    after = everything(shop)
    with pytest.raises(YettError):
        run(restore(shop, captured, verify=True))
    assert everything(shop) == after


def test_an_index_made_since_survives_the_undo_of_a_truncate(shop: Database, tmp_path: Path) -> None:
    before = shop.digest()
    captured = run(destroyed(shop, tmp_path / "undo", "TRUNCATE items", ["items"]))
    shop.run("CREATE INDEX later ON items (odd_id)")
    run(restore(shop, captured, verify=True))
    assert shop.digest() == before
    assert shop.ask("SELECT count(*) FROM pg_indexes WHERE indexname = 'later'") == [(1,)]


def test_what_cascade_takes_that_no_dump_of_tables_holds_is_named(shop: Database, tmp_path: Path) -> None:
    shop.run("CREATE FUNCTION of_row(users) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE uses (u users, x int)")

    async def dumped() -> Captured:
        (tmp_path / "undo").mkdir()
        async with connected(shop) as agent:
            await agent.rows("BEGIN")
            guard = Guard(agent, shop)
            await guard.baseline()
            oid = shop.ask("SELECT 'users'::regclass::oid::int8")[0][0]
            return await guard.dump([oid], DirectorySink(tmp_path / "undo"))

    gap, computed = run(dumped()).gaps
    assert "public.kept" in computed
    assert "function public.of_row(public.users)" in gap
    assert "public.uses" in gap  # of which DROP .. CASCADE would take a column


def test_writers_wait_from_the_dump_on(shop: Database, tmp_path: Path) -> None:
    async def written_to() -> None:
        (tmp_path / "undo").mkdir()
        async with connected(shop) as agent:
            await agent.rows("BEGIN")
            guard = Guard(agent, shop)
            await guard.baseline()
            oid = shop.ask("SELECT 'items'::regclass::oid::int8")[0][0]
            await guard.dump([oid], DirectorySink(tmp_path / "undo"))
            shop.run("SET lock_timeout = 100; INSERT INTO items VALUES (8000, NULL)")

    with pytest.raises(psycopg.errors.LockNotAvailable):
        run(written_to())


def test_a_dump_that_was_cut_off_is_not_loaded(shop: Database, tmp_path: Path) -> None:
    captured = run(destroyed(shop, tmp_path / "undo", "DROP TABLE items", ["items"]))
    path = tmp_path / "undo" / "tables.dump"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(YettError, match="is not what was written"):
        run(restore(shop, captured, verify=True))
    assert shop.ask("SELECT to_regclass('items')") == [(None,)]


@pytest.mark.parametrize(
    ("made", "of"),
    [
        ("CREATE TABLE c (x int) INHERITS (p); ALTER TABLE p ADD COLUMN late int", ["public.c"]),
        ("CREATE TABLE c (v text, id int); ALTER TABLE c INHERIT p", ["public.c"]),
        ("CREATE TABLE c (x int) INHERITS (p, q); ALTER TABLE q ADD COLUMN late int", ["public.c"]),
        ("CREATE TABLE c (x int, v text) INHERITS (p, q)", []),
        ("CREATE TABLE c (id int, v text, x int); ALTER TABLE c INHERIT p", []),
        ("CREATE TABLE c (x int) INHERITS (p); ALTER TABLE p ADD y int, DROP v; ALTER TABLE c DROP x, ADD x int", []),
    ],
)
def test_columns_that_would_come_back_in_another_order_are_said_before(
    shop: Database, tmp_path: Path, made: str, of: list[str]
) -> None:
    shop.run(f"CREATE TABLE p (id int, v text); CREATE TABLE q (id int, w text); {made}; {GIVE}")
    shop.run("INSERT INTO c SELECT")
    before = everything(shop)
    captured = run(destroyed(shop, tmp_path / "undo", "DROP TABLE c", ["c"]))
    assert [gap.rpartition(" in ")[2] for gap in captured.gaps] == of
    if of:
        with pytest.raises(YettError, match="did not come back as it was"):
            run(restore(shop, captured, verify=True))
    else:
        run(restore(shop, captured, verify=True))
        assert everything(shop) == before


@pytest.mark.parametrize(
    "value", ["'inf'::float8 - 'inf'::float8, 0, 0", "0, 'inf'::real - 'inf'::real, 0", "0, 0, 'items'::regclass"]
)
def test_values_that_would_come_back_as_other_bytes_are_said_before(shop: Database, tmp_path: Path, value: str) -> None:
    shop.run(
        f"CREATE TABLE odd (f float8, g real, r regclass); INSERT INTO odd VALUES ({value}), ('NaN', 'NaN', 0); {GIVE}"
    )
    captured = run(destroyed(shop, tmp_path / "undo", "DROP TABLE items, odd", ["items", "odd"]))
    (gap,) = captured.gaps
    assert gap.endswith("in public.odd")
    with pytest.raises(YettError, match="did not come back the same"):
        run(restore(shop, captured, verify=True))


def test_plain_values_of_these_types_come_back(shop: Database, tmp_path: Path) -> None:
    shop.run(
        "CREATE TABLE odd (f float8, g real, r regclass); INSERT INTO odd VALUES ('NaN', 'NaN', 'users'), ('-0', 0, 0)"
    )
    shop.run(GIVE)
    before = everything(shop)
    captured = run(destroyed(shop, tmp_path / "undo", "DROP TABLE odd", ["odd"]))
    assert not captured.gaps
    run(restore(shop, captured, verify=True))
    assert everything(shop) == before
