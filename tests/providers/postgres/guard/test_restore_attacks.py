"""Ways to have an undo bring back something else than was kept, or nothing at all. Each was one until it was mended."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from guarded import Database, connected, guarded, run

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured
from yett.providers.postgres.guard.effects import Effects, Unguardable
from yett.providers.postgres.guard.guard import Guard
from yett.providers.postgres.guard.restore import restore
from yett.providers.postgres.guard.sink import DirectorySink

GRANT = "; GRANT ALL ON ALL TABLES IN SCHEMA public TO agent"


def refused(database: Database, captured: Captured, reason: str) -> None:
    now = database.digest()
    with pytest.raises(YettError, match=reason):
        run(restore(database, captured, verify=True))
    assert database.digest() == now


async def dumped(
    database: Database, folder: Path, table: str, statement: str, schemas: tuple[str, ...] = ()
) -> Captured:
    """A statement of the owner's that destroys, with the table dumped before it, or the schemas."""
    folder.mkdir(exist_ok=True)
    async with connected(database, "postgres") as agent:
        await agent.rows("BEGIN")
        guard = Guard(agent, database)
        await guard.baseline()
        ((oid,),) = await agent.rows(f"SELECT '{table}'::regclass::oid")
        captured = await guard.dump([int(oid or 0)], DirectorySink(folder), schemas=schemas)
        await agent.rows(statement)
        await agent.rows("COMMIT")
    return captured


# ---- constraints that a trigger checks, which is silent while rows come back

DEFERRABLE = {
    "unique": "k text UNIQUE DEFERRABLE",
    "expression": "k text, EXCLUDE (lower(k) WITH =) WHERE (n > 0) DEFERRABLE INITIALLY DEFERRED",
    "nulls": "k text, UNIQUE NULLS NOT DISTINCT (k) DEFERRABLE",
}


@pytest.mark.parametrize("kind", DEFERRABLE)
def test_what_a_deferrable_constraint_excludes_does_not_come_back(
    database: Database, tmp_path: Path, kind: str
) -> None:
    database.run(f"CREATE TABLE held (id int PRIMARY KEY, n int DEFAULT 1, {DEFERRABLE[kind]})")
    value = "NULL" if kind == "nulls" else "'a'"
    database.run(f"INSERT INTO held (id, k) VALUES (1, {value}), (2, 'b'){GRANT}")
    before = database.digest()
    _, captured = run(guarded(database, tmp_path / "u", "DELETE FROM held WHERE id = 1"))
    database.run(f"INSERT INTO held (id, k) VALUES (9, {value})")
    refused(database, captured, "would be twice")
    database.run("DELETE FROM held WHERE id = 9")
    run(restore(database, captured, verify=True))
    assert database.digest() == before


# ---- the same name for something else

SWAPPED = """
ALTER TYPE mood RENAME VALUE 'sad' TO 'x'; ALTER TYPE mood RENAME VALUE 'happy' TO 'sad';
ALTER TYPE mood RENAME VALUE 'x' TO 'happy'"""


@pytest.mark.parametrize("column", ["mood", "mood[]", "moody"])
@pytest.mark.parametrize("statement", ["DELETE FROM felt WHERE id = 1", "TRUNCATE felt", "DROP TABLE felt"])
def test_labels_that_were_swapped_do_not_swap_values(
    database: Database, tmp_path: Path, column: str, statement: str
) -> None:
    database.run("CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN moody AS mood")
    value = "{sad}" if column == "mood[]" else "sad"
    database.run(f"CREATE TABLE felt (id int PRIMARY KEY, m {column}); INSERT INTO felt VALUES (1, '{value}'){GRANT}")
    before = database.digest()
    if statement.startswith("DELETE"):
        _, captured = run(guarded(database, tmp_path / "u", statement))
    else:
        captured = run(dumped(database, tmp_path / "u", "felt", statement))
    database.run(SWAPPED)
    refused(database, captured, "happy is sad now, sad is happy now")
    database.run(SWAPPED)
    run(restore(database, captured, verify=True))
    assert database.digest() == before


@pytest.mark.parametrize("statement", ["UPDATE t SET n = 0 WHERE id = 3", "TRUNCATE t"])
def test_a_column_that_was_made_again_is_another(database: Database, tmp_path: Path, statement: str) -> None:
    database.run(f"CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (3, 3){GRANT}")
    if statement.startswith("UPDATE"):
        _, captured = run(guarded(database, tmp_path / "u", statement))
    else:
        captured = run(dumped(database, tmp_path / "u", "t", statement))
    database.run("ALTER TABLE t DROP COLUMN n; ALTER TABLE t ADD COLUMN n int DEFAULT 7")
    refused(database, captured, "other columns|was made since")


# ---- what the database is set to


def test_a_restore_sees_what_was_committed_while_it_waited(database: Database, tmp_path: Path) -> None:
    """Else a foreign key is checked against rows that are gone."""
    database.run("CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p)")
    database.run(f"INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1){GRANT}")
    database.run(f"ALTER DATABASE {database.name} SET default_transaction_isolation = 'repeatable read'")
    _, captured = run(guarded(database, tmp_path / "u", "DELETE FROM c WHERE id = 1"))
    said: list[Any] = []

    def apply() -> None:
        try:
            said.append(run(restore(database, captured, verify=True)))
        except YettError as error:
            said.append(error.what)

    with psycopg.connect(database.url) as other:
        other.execute("LOCK TABLE c IN ROW EXCLUSIVE MODE")
        other.execute("DELETE FROM p WHERE id = 1")
        applying = threading.Thread(target=apply)
        applying.start()
        while not database.ask("SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'ShareRowExclusiveLock'"):
            assert applying.is_alive(), said
            time.sleep(0.02)
        other.commit()
    applying.join()
    assert "would refer to nothing" in str(said)
    assert database.ask("SELECT * FROM c") == []


@pytest.mark.parametrize("always", ["", "; ALTER EVENT TRIGGER logging ENABLE ALWAYS"])
def test_a_log_of_definitions_keeps_nothing_from_coming_back(database: Database, tmp_path: Path, always: str) -> None:
    """An undo makes temporary tables, which wakes event triggers."""
    database.run(f"CREATE TABLE log (w text); CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1){GRANT}")
    database.run(f"""
        CREATE FUNCTION logged() RETURNS event_trigger LANGUAGE plpgsql AS
          $$ BEGIN INSERT INTO public.log VALUES (tg_tag); END $$;
        CREATE EVENT TRIGGER logging ON ddl_command_end EXECUTE FUNCTION logged(){always}""")
    try:
        _, captured = run(guarded(database, tmp_path / "u", "DELETE FROM t"))
        run(restore(database, captured, verify=True))
        assert database.ask("SELECT * FROM t") == [(1,)]
    finally:
        database.run("DROP EVENT TRIGGER logging")


# ---- rows that were there before a constraint that is NOT VALID


def test_rows_come_back_past_a_check_that_is_not_valid(database: Database, tmp_path: Path) -> None:
    database.run("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, -1), (2, -2)")
    database.run(f"ALTER TABLE t ADD CONSTRAINT above CHECK (n > 0) NOT VALID{GRANT}")
    database.run("COMMENT ON CONSTRAINT above ON t IS 'new rows only'")
    query = "SELECT conname, convalidated, pg_get_constraintdef(oid), obj_description(oid) FROM pg_constraint"
    query += " WHERE contype = 'c' AND conrelid = 't'::regclass"
    before, constraint = database.digest(), database.ask(query)
    _, captured = run(guarded(database, tmp_path / "u", "UPDATE t SET n = 5 WHERE id = 1; DELETE FROM t WHERE id = 2"))
    run(restore(database, captured, verify=True))
    assert (database.digest(), database.ask(query)) == (before, constraint)


def test_rows_come_back_past_a_not_null_that_is_not_valid(database: Database, tmp_path: Path) -> None:
    database.run("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, NULL)")
    try:
        database.run(f"ALTER TABLE t ADD CONSTRAINT given NOT NULL n NOT VALID{GRANT}")
    except psycopg.errors.SyntaxError:
        pytest.skip("NOT NULL that is NOT VALID came with 18")
    before = database.digest()
    _, captured = run(guarded(database, tmp_path / "u", "UPDATE t SET n = 5"))
    run(restore(database, captured, verify=True))
    assert database.digest() == before
    assert database.ask("SELECT convalidated FROM pg_constraint WHERE conname = 'given'") == [(False,)]


def test_a_value_that_its_domain_would_not_take_again_is_not_changed(database: Database, tmp_path: Path) -> None:
    database.run("CREATE DOMAIN above AS int; CREATE TABLE t (id int PRIMARY KEY, n above)")
    database.run("INSERT INTO t VALUES (1, -1), (2, 2); ALTER DOMAIN above ADD CHECK (VALUE > 0) NOT VALID" + GRANT)
    before = database.digest()
    with pytest.raises(Unguardable, match="violates check constraint"):
        run(guarded(database, tmp_path / "u", "UPDATE t SET n = 5 WHERE id = 1"))
    _, captured = run(guarded(database, tmp_path / "v", "UPDATE t SET n = 5 WHERE id = 2"))
    run(restore(database, captured, verify=True))
    assert database.digest() == before


# ---- what waits for COMMIT once more


def test_a_trigger_that_defers_itself_again_is_refused(database: Database, tmp_path: Path) -> None:
    """It counts how often it is run in a temporary table of the agent's, and acts when it is not looked at."""
    database.run(f"""
        CREATE TABLE victim (id int); INSERT INTO victim SELECT generate_series(1, 5);
        CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1){GRANT};
        CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ DECLARE k int; BEGIN
          SET CONSTRAINTS ALL DEFERRED;
          UPDATE pg_temp.again SET n = n + 1 WHERE n < 4 RETURNING n INTO k;
          IF k IS NULL THEN DELETE FROM public.victim; END IF;
          RETURN NULL; END $$""")

    async def deferred() -> Effects:
        tmp_path.joinpath("u").mkdir()
        async with connected(database) as agent:
            await agent.rows("CREATE TEMP TABLE again (n int); INSERT INTO again VALUES (0)")
            await agent.rows(
                "CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON again DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION late()"
            )
            await agent.rows("BEGIN")
            guard = Guard(agent, database)
            await guard.baseline()
            await agent.rows("UPDATE t SET n = 2; UPDATE again SET n = 1")
            effects = await guard.measure()
            await guard.capture(effects, DirectorySink(tmp_path / "u"))
            await agent.rows("COMMIT")
            return effects

    with pytest.raises(Unguardable, match="puts off to COMMIT"):
        run(deferred())
    assert database.ask("SELECT count(*) FROM victim") == [(5,)]
