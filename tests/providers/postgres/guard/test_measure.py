"""Whatever a transaction does is seen before it commits; what would escape is refused. Each test is a way round it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from guarded import Database, connected, guarded, run

from yett.providers.postgres.guard.effects import Effects, Unguardable
from yett.providers.postgres.guard.executing import ServerError
from yett.providers.postgres.guard.guard import DEFAULT_LIMITS, Guard
from yett.providers.postgres.guard.restore import restore
from yett.providers.postgres.guard.rows.taking import Limits
from yett.providers.postgres.guard.sink import DirectorySink

TABLES = """
CREATE TABLE people (id int PRIMARY KEY, name text, boss int REFERENCES people);
INSERT INTO people SELECT g, 'p' || g FROM generate_series(1, 40) g;
CREATE TABLE hidden (id int PRIMARY KEY, n int);
INSERT INTO hidden SELECT g, 0 FROM generate_series(1, 10) g;
CREATE SEQUENCE numbers;
GRANT ALL ON people TO agent; GRANT USAGE ON SCHEMA public TO agent; GRANT ALL ON numbers TO agent;
CREATE FUNCTION wipe() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM public.hidden; SELECT 1';
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
  $$ BEGIN DELETE FROM public.hidden; RETURN NULL; END $$;
"""


@pytest.fixture
def shop(database: Database) -> Database:
    database.run(TABLES)
    return database


async def measured(database: Database, *statements: str, role: str = "agent") -> Effects:
    async with connected(database, role) as agent:
        await agent.rows("BEGIN")
        guard = Guard(agent, database)
        await guard.baseline()
        for statement in statements:
            await agent.rows(statement)
        return await guard.measure()


def counts(effects: Effects) -> dict[str, tuple[int, int, int]]:
    return {table.label: (table.deleted, table.updated, table.inserted) for table in effects.tables}


def test_counts_are_exact_and_leave_out_what_was_before(shop: Database) -> None:
    async def twice() -> tuple[Effects, Effects]:
        async with connected(shop) as agent:
            await agent.rows("UPDATE people SET name = 'before'")  # its statistics are not sent yet
            await agent.rows("BEGIN")
            guard = Guard(agent, shop)
            await guard.baseline()
            await agent.rows("DELETE FROM people WHERE id > 35; UPDATE people SET name = 'x' WHERE id < 4")
            first = await guard.measure()
            await agent.rows("INSERT INTO people VALUES (100, 'n', NULL)")
            return first, await guard.measure()

    first, second = run(twice())
    assert counts(first) == {"public.people": (5, 3, 0)}
    assert counts(second) == {"public.people": (5, 3, 1)}
    assert first.rewritten == ()


def test_a_function_of_somebody_elses_is_measured(shop: Database) -> None:
    assert counts(run(measured(shop, "SELECT wipe()"))) == {"public.hidden": (10, 0, 0)}


def test_a_trigger_that_waits_for_commit_is_measured(shop: Database, tmp_path: Path) -> None:
    shop.run(
        "CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON people DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION late()"
    )
    before = shop.digest()
    effects, captured = run(guarded(shop, tmp_path / "u", "UPDATE people SET name = 'x' WHERE id = 1"))
    assert counts(effects)["public.hidden"] == (10, 0, 0)
    assert shop.ask("SELECT count(*) FROM hidden") == [(0,)]
    run(restore(shop, captured, verify=True))
    assert shop.digest() == before


def test_a_cursor_that_would_run_at_commit_is_refused(shop: Database) -> None:
    statements = ("UPDATE people SET name = 'x' WHERE id = 1", "DECLARE c CURSOR WITH HOLD FOR SELECT wipe()")
    with pytest.raises(Unguardable, match="WITH HOLD would run at COMMIT"):
        run(measured(shop, *statements))
    run(measured(shop, *statements, "CLOSE c"))


def test_a_holdable_cursor_of_an_earlier_transaction_has_run_already(shop: Database) -> None:
    async def held() -> None:
        async with connected(shop) as agent:
            await agent.rows("BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 1; COMMIT")
            await agent.rows("BEGIN")
            guard = Guard(agent, shop)
            await guard.baseline()
            await agent.rows("DELETE FROM people WHERE id = 9")
            await guard.measure()

    run(held())


def test_functions_in_the_agents_search_path_answer_nothing(shop: Database, tmp_path: Path) -> None:
    """Every name that is asked for on the agent's connection is qualified."""
    shop.run("""
        CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO agent;
        CREATE FUNCTION evil.pg_current_xact_id_if_assigned() RETURNS xid8 LANGUAGE sql AS 'SELECT NULL::xid8';
        CREATE FUNCTION evil.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT 'off' $$;
        CREATE FUNCTION evil.count() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
        CREATE FUNCTION evil.pg_backend_pid() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE VIEW evil.pg_stat_xact_all_tables AS SELECT * FROM pg_stat_xact_all_tables WHERE false;
        CREATE VIEW evil.pg_cursors AS SELECT * FROM pg_cursors WHERE false;
        CREATE VIEW evil.pg_class AS SELECT * FROM pg_class WHERE false;
        CREATE VIEW evil.pg_namespace AS SELECT * FROM pg_namespace WHERE false;
        CREATE FUNCTION evil.no(bigint, integer) RETURNS bool LANGUAGE sql AS 'SELECT false';
        CREATE FUNCTION evil.no(xid, xid) RETURNS bool LANGUAGE sql AS 'SELECT false';
        CREATE FUNCTION evil.no(oid, oid) RETURNS bool LANGUAGE sql AS 'SELECT false';
        CREATE OPERATOR evil.> (LEFTARG = bigint, RIGHTARG = integer, FUNCTION = evil.no);
        CREATE OPERATOR evil.= (LEFTARG = xid, RIGHTARG = xid, FUNCTION = evil.no);
        CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.no);
        GRANT SELECT ON ALL TABLES IN SCHEMA evil TO agent;""")

    async def asked(folder: Path) -> dict[str, tuple[int, int, int]]:
        async with connected(shop) as agent:
            await agent.rows("SET search_path = evil, pg_catalog, public")
            await agent.rows("BEGIN")
            guard = Guard(agent, shop)
            await guard.baseline()
            await agent.rows("SELECT public.wipe(); UPDATE public.people SET name = 'x' WHERE id < 3")
            effects = await guard.measure()
            captured = await guard.capture(effects, DirectorySink(folder))
            assert {t.effect.name: t.rows for t in captured.tables} == {"hidden": 10, "people": 2}
            return counts(effects)

    assert run(asked(tmp_path)) == {"public.hidden": (10, 0, 0), "public.people": (0, 2, 0)}


@pytest.mark.parametrize(
    ("statement", "seen"),
    [
        ("GRANT SELECT ON people TO PUBLIC", "pg_catalog.pg_class"),
        ("REVOKE ALL ON people FROM agent", "pg_catalog.pg_class"),
        ("ALTER ROLE agent SET work_mem = '1MB'", "pg_catalog.pg_db_role_setting"),
        ("CREATE ROLE somebody", "pg_catalog.pg_authid"),
        ("SELECT lo_create(4711)", "pg_catalog.pg_largeobject_metadata"),
        ("CREATE FUNCTION nothing() RETURNS int LANGUAGE sql AS 'SELECT 1'", "pg_catalog.pg_proc"),
        ("DROP FUNCTION wipe()", "function public.wipe()"),
        ("COMMENT ON TABLE people IS 'x'", "pg_catalog.pg_description"),
        ("CREATE TEMP TABLE mine (a int); GRANT SELECT ON people TO PUBLIC", "pg_catalog.pg_class"),
        ("CREATE TEMP TABLE mine (a int); GRANT SELECT (name) ON people TO PUBLIC", "pg_catalog.pg_attribute"),
        ("CREATE TEMP TABLE mine (a int); GRANT USAGE ON SCHEMA public TO PUBLIC", "pg_catalog.pg_namespace"),
        ("CREATE TEMP TABLE mine (a int); DROP FUNCTION wipe()", "function public.wipe()"),
        ("CREATE TABLE made (a int)", "public.made"),
        ("TRUNCATE hidden", "public.hidden"),
        ("DO $$ BEGIN TRUNCATE hidden; END $$", "public.hidden"),
        ("ALTER TABLE people ADD COLUMN x int", "public.people"),
        ("CREATE INDEX ON people (name)", "pg_catalog.pg_index"),
        ("DROP TABLE hidden", "public.hidden"),
        ("DROP SCHEMA public CASCADE", "public.hidden"),
        ("LOCK TABLE hidden IN EXCLUSIVE MODE; DELETE FROM people WHERE id = 40", "public.hidden"),
    ],
)
def test_what_changes_definitions_and_rights_is_named(shop: Database, statement: str, seen: str) -> None:
    assert seen in run(measured(shop, statement, role="postgres")).rewritten


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TEMP TABLE mine (a int PRIMARY KEY, b text)",
        "CREATE TEMP TABLE mine AS SELECT * FROM people; DROP TABLE mine",
        "CREATE TEMP TABLE mine AS SELECT * FROM people; TRUNCATE mine; CREATE INDEX ON mine (id)",
        "DROP TABLE earlier; CREATE TEMP TABLE earlier (id serial, v text DEFAULT 'x')",
        "ALTER TABLE earlier ADD COLUMN c int DEFAULT 1; UPDATE earlier SET v = 'y'",
        "ANALYZE people",
    ],
)
def test_temporary_tables_change_nothing_that_lasts(shop: Database, statement: str) -> None:
    async def with_temporary() -> Effects:
        async with connected(shop) as agent:
            await agent.rows("CREATE TEMP TABLE earlier (id serial PRIMARY KEY, v text CHECK (v <> ''))")
            await agent.rows("BEGIN")
            guard = Guard(agent, shop)
            await guard.baseline()
            await agent.rows(statement)
            await agent.rows("DELETE FROM people WHERE id = 40")
            return await guard.measure()

    effects = run(with_temporary())
    assert effects.rewritten == ()
    assert counts(effects) == {"public.people": (1, 0, 0)}


def test_what_no_undo_of_rows_brings_back_is_named(shop: Database) -> None:
    effects = run(
        measured(shop, "SELECT nextval('numbers'), pg_advisory_xact_lock(1); DELETE FROM people WHERE id = 40")
    )
    assert "public.numbers" in " ".join(effects.gaps)
    assert "advisory" in " ".join(effects.gaps)
    assert "NOTIFY" in " ".join(effects.gaps)


def test_a_transaction_that_only_reads_has_no_effect(shop: Database) -> None:
    assert run(measured(shop, "SELECT * FROM people")) == Effects((), (), 0)


def test_a_deferred_constraint_fails_as_commit_would(shop: Database) -> None:
    shop.run("ALTER TABLE people ALTER CONSTRAINT people_boss_fkey DEFERRABLE INITIALLY DEFERRED")
    with pytest.raises(ServerError, match="23503"):
        run(measured(shop, "UPDATE people SET boss = 4711 WHERE id = 1"))


def test_what_was_written_before_is_not_watched(shop: Database) -> None:
    async def late() -> None:
        async with connected(shop) as agent:
            await agent.rows("BEGIN; DELETE FROM people WHERE id = 40")
            await Guard(agent, shop).baseline()

    with pytest.raises(Unguardable, match="began to write before"):
        run(late())


def test_a_server_that_does_not_count_is_refused(shop: Database) -> None:
    shop.run(f"ALTER DATABASE {shop.name} SET track_counts = off")
    with pytest.raises(Unguardable, match="track_counts"):
        run(measured(shop, "DELETE FROM people"))


def test_counting_that_is_switched_off_on_the_way_is_refused(shop: Database) -> None:
    with pytest.raises(Unguardable, match="track_counts"):
        run(measured(shop, "SET track_counts = off; DELETE FROM people", role="postgres"))


def test_a_connection_to_another_server_is_noticed(shop: Database, tmp_path: Path) -> None:
    async def elsewhere() -> None:
        async with connected(shop) as agent:
            await agent.rows("BEGIN")
            guard = Guard(agent, shop)
            await guard.baseline()
            await agent.rows("DELETE FROM people WHERE id = 40")
            effects = await guard.measure()
            agent.pid += 1
            await guard.capture(effects, DirectorySink(tmp_path))

    with pytest.raises(Unguardable):
        run(elsewhere())


def test_statements_between_measuring_and_keeping_are_noticed(shop: Database, tmp_path: Path) -> None:
    async def on() -> None:
        async with connected(shop) as agent:
            await agent.rows("BEGIN")
            guard = Guard(agent, shop)
            await guard.baseline()
            await agent.rows("DELETE FROM people WHERE id = 40")
            effects = await guard.measure()
            await agent.rows("DELETE FROM people WHERE id = 39")
            await guard.capture(effects, DirectorySink(tmp_path))

    with pytest.raises(Unguardable, match="not what was measured"):
        run(on())


def test_a_foreign_table_is_refused(shop: Database) -> None:
    with contextlib.closing(psycopg.connect(shop.url, autocommit=True)) as connection:
        try:
            connection.execute("CREATE EXTENSION postgres_fdw")
        except psycopg.Error:
            pytest.skip("these programs come without postgres_fdw")
    shop.run(f"""
        CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw
          OPTIONS (host '127.0.0.1', port '{shop.cluster.port}', dbname '{shop.name}');
        CREATE USER MAPPING FOR postgres SERVER far OPTIONS (user 'postgres', password_required 'false');
        CREATE FOREIGN TABLE far_hidden (id int, n int) SERVER far OPTIONS (table_name 'hidden');""")
    with pytest.raises(Unguardable, match="foreign table public"):
        run(measured(shop, "DELETE FROM people WHERE id = 40; DELETE FROM far_hidden", role="postgres"))


def test_limits(shop: Database, tmp_path: Path) -> None:
    shop.run("INSERT INTO people SELECT g, repeat('x', 1000) FROM generate_series(1000, 3000) g")
    before = shop.digest()
    small = replace(DEFAULT_LIMITS, table_bytes=1 << 20)
    with pytest.raises(Unguardable, match="more than 1 MiB"):
        run(guarded(shop, tmp_path / "a", "DELETE FROM people", limits=small))
    assert shop.digest() == before
    whole = Limits(whole_bytes=1 << 20)
    twice = (
        "CREATE RULE twice AS ON DELETE TO people DO ALSO (UPDATE hidden SET n = n + 1; UPDATE hidden SET n = n + 1)"
    )
    shop.run(twice)
    run(guarded(shop, tmp_path / "b", "DELETE FROM people WHERE id = 30", limits=whole))
    with pytest.raises(Unguardable, match="too large"):
        run(guarded(shop, tmp_path / "c", "DELETE FROM people WHERE id = 31", limits=replace(whole, whole_bytes=1)))


class Refusing:
    """Yett's own connection, with fewer rights."""

    def __init__(self, database: Database, role: str) -> None:
        self._url = database.url.replace("postgres@", f"{role}@")

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            yield connection


@pytest.mark.parametrize(
    ("rights", "reason"),
    [
        ("REVOKE ALL ON people FROM reader", "cannot be read by Yett's own role"),
        ("ALTER TABLE people ENABLE ROW LEVEL SECURITY", "row security for Yett's own role"),
    ],
)
def test_yetts_own_role_sees_every_row_or_it_is_refused(
    shop: Database, tmp_path: Path, rights: str, reason: str
) -> None:
    shop.run("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; GRANT SELECT ON people TO reader; " + rights)
    shop.run("CREATE POLICY halves ON people USING (id < 20 OR current_user = 'agent')")

    async def kept() -> None:
        async with connected(shop) as agent:
            await agent.rows("BEGIN")
            guard = Guard(agent, Refusing(shop, "reader"))
            await guard.baseline()
            await agent.rows("DELETE FROM people WHERE id > 10")
            await guard.capture(await guard.measure(), DirectorySink(tmp_path))

    with pytest.raises(Unguardable, match=reason):
        run(kept())
    shop.run("DROP OWNED BY reader; DROP ROLE reader")


def test_an_agent_under_row_security_is_undone_all_the_same(shop: Database, tmp_path: Path) -> None:
    shop.run("ALTER TABLE people ENABLE ROW LEVEL SECURITY; CREATE POLICY halves ON people USING (id % 2 = 0)")
    before = shop.digest()
    _, captured = run(guarded(shop, tmp_path / "u", "UPDATE people SET name = 'x'"))
    assert captured.rows == 20
    run(restore(shop, captured, verify=True))
    assert shop.digest() == before


def test_a_row_that_others_lock_is_kept(shop: Database, tmp_path: Path) -> None:
    """A key-share lock beside an update makes xmax a multixact, which does not name the agent."""
    before = shop.digest()
    with psycopg.connect(shop.url) as other:
        other.execute("SELECT * FROM people WHERE id BETWEEN 5 AND 9 FOR KEY SHARE")
        _, captured = run(guarded(shop, tmp_path / "u", "UPDATE people SET name = 'x' WHERE id BETWEEN 1 AND 7"))
    assert (captured.rows, captured.tables[0].whole) == (7, False)
    run(restore(shop, captured, verify=True))
    assert shop.digest() == before


def test_a_row_that_is_locked_while_rows_are_kept_is_kept(shop: Database, tmp_path: Path) -> None:
    """Between looking for multixacts and reading the rows, another session makes a new one."""
    from yett.providers.postgres.guard.rows import capture

    before = shop.digest()
    other = psycopg.connect(shop.url)
    real = capture.ids.multixacts
    asked = 0

    async def multixacts(own: Any, xids: Any) -> Any:
        nonlocal asked
        found = await real(own, xids)
        asked += 1
        if asked == 2:  # the one before the rows are read
            other.execute("SELECT * FROM people WHERE id = 3 FOR KEY SHARE")
        return found

    capture.ids.multixacts = multixacts  # type: ignore[assignment]
    try:
        _, captured = run(guarded(shop, tmp_path / "u", "UPDATE people SET name = 'x' WHERE id BETWEEN 1 AND 7"))
    finally:
        capture.ids.multixacts = real
        other.close()
    assert asked > 3
    assert (captured.rows, captured.tables[0].whole) == (7, False)
    run(restore(shop, captured, verify=True))
    assert shop.digest() == before


def test_rows_that_are_only_locked_are_not_taken_for_changed(shop: Database, tmp_path: Path) -> None:
    _, captured = run(
        guarded(shop, tmp_path / "u", "SELECT * FROM people FOR UPDATE", "UPDATE people SET name = 'x' WHERE id = 2")
    )
    assert (captured.rows, captured.tables[0].whole) == (1, False)


@pytest.mark.parametrize("role", ["agent", "postgres"])
def test_more_savepoints_than_a_backend_remembers(shop: Database, tmp_path: Path, role: str) -> None:
    """Past 64, the server looks ids up in pg_subtrans."""
    shop.run("INSERT INTO people SELECT g, 'p' FROM generate_series(1000, 1300) g")
    before = shop.digest()
    many = [f"SAVEPOINT s; UPDATE people SET name = 'x' WHERE id = {n}; RELEASE s" for n in range(1000, 1200)]
    taken_back = [f"SAVEPOINT s; DELETE FROM people WHERE id = {n}; ROLLBACK TO s" for n in range(1150, 1250)]
    _, captured = run(guarded(shop, tmp_path / "u", *many, *taken_back, role=role))
    assert (captured.rows, captured.tables[0].whole) == (200, False)
    run(restore(shop, captured, verify=True))
    assert shop.digest() == before


def test_rows_of_anothers_open_savepoint_are_not_taken_for_the_agents(shop: Database, tmp_path: Path) -> None:
    """Its id is in no view, is after the agent's, and is in progress."""
    other = psycopg.connect(shop.url)
    other.execute("SELECT pg_current_xact_id()")

    async def beside() -> None:
        other.execute("SAVEPOINT s")
        other.execute("UPDATE people SET name = 'theirs' WHERE id = 20")
        other.execute("RELEASE s")

    before = shop.digest()
    _, captured = run(guarded(shop, tmp_path / "u", "UPDATE people SET name = 'x' WHERE id = 2", between=beside))
    assert captured.rows == 1
    other.commit()
    other.close()
    run(restore(shop, captured, verify=True))
    assert shop.ask("SELECT id, name FROM people WHERE id IN (2, 20) ORDER BY 1") == [(2, "p2"), (20, "theirs")]
    shop.run("UPDATE people SET name = 'p20' WHERE id = 20")
    assert shop.digest() == before


def test_rows_of_a_prepared_transaction_are_not_the_agents(shop: Database, tmp_path: Path) -> None:
    async def beside() -> None:
        shop.run("BEGIN; UPDATE people SET name = 'p' WHERE id = 20; PREPARE TRANSACTION 'there'")

    _, captured = run(guarded(shop, tmp_path / "u", "UPDATE people SET name = 'x' WHERE id = 2", between=beside))
    shop.run("COMMIT PREPARED 'there'")
    assert captured.rows == 1
    run(restore(shop, captured, verify=True))
    assert shop.ask("SELECT id, name FROM people WHERE id IN (2, 20) ORDER BY 1") == [(2, "p2"), (20, "p")]


def test_a_table_that_the_agent_may_not_read_adds_up_or_is_refused(shop: Database, tmp_path: Path) -> None:
    shop.run("""
        CREATE FUNCTION touch(n int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
          FOR i IN 1..n LOOP UPDATE public.hidden SET n = hidden.n + 1 WHERE id < 4; END LOOP; RETURN n; END $$;
        CREATE FUNCTION mix() RETURNS int LANGUAGE sql SECURITY DEFINER AS $$
          UPDATE public.hidden SET n = 1 WHERE id = 1; UPDATE public.hidden SET n = 2 WHERE id = 1;
          INSERT INTO public.hidden VALUES (99, 1); SELECT 1 $$;""")
    before = shop.digest()
    for number, (statement, whole) in enumerate({"SELECT touch(1)": False, "SELECT touch(3)": True}.items()):
        _, captured = run(guarded(shop, tmp_path / f"u{number}", statement))
        assert captured.tables[0].whole is whole
        run(restore(shop, captured, verify=True))
        assert shop.digest() == before
    with pytest.raises(Unguardable, match=r"give the session's role SELECT|may not read that table"):
        run(guarded(shop, tmp_path / "mixed", "SELECT mix()"))
    assert shop.digest() == before


def test_the_agents_connection_is_asked_nothing_that_could_fail(shop: Database, tmp_path: Path) -> None:
    """An error there would abort the agent's transaction: tables that it may not read are not asked for."""

    async def asked() -> list[str]:
        async with connected(shop) as agent:
            await agent.rows("BEGIN")
            guard = Guard(agent, shop)
            await guard.baseline()
            await agent.rows("SELECT wipe()")
            agent.asked.clear()
            await guard.capture(await guard.measure(), DirectorySink(tmp_path))
            return agent.asked

    assert not [statement for statement in run(asked()) if "hidden" in statement]


def test_an_open_transaction_holds_nobody_up(shop: Database, tmp_path: Path) -> None:
    """Readers and writers of other rows go on while rows are kept."""

    async def beside() -> None:
        shop.run(
            "SET lock_timeout = 100; UPDATE people SET name = 'other' WHERE id = 30; INSERT INTO people VALUES (500)"
        )
        await asyncio.sleep(0)

    before = shop.digest()
    _, captured = run(guarded(shop, tmp_path / "u", "DELETE FROM people WHERE id = 2", between=beside))
    run(restore(shop, captured, verify=True))
    shop.run("UPDATE people SET name = 'p30' WHERE id = 30; DELETE FROM people WHERE id = 500")
    assert shop.digest() == before
