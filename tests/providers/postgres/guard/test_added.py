"""Rows that a transaction only added: nothing is read to keep them, and the undo is exact or names what was changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from guarded import Cluster, Database, cluster, connected, guarded, read_back, run

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.guard import DEFAULT_LIMITS, Guard
from yett.providers.postgres.guard.restore import Conflict, Refused, restore
from yett.providers.postgres.guard.rows.taking import Limits
from yett.providers.postgres.guard.sink import DirectorySink

NO_KEYS = replace(DEFAULT_LIMITS, keys=10)
"""More rows than that are known by their number alone, as 20,000 and more are."""

EVENTS = """
CREATE TABLE events (id int PRIMARY KEY, parent int REFERENCES events, note text);
CREATE TABLE loose (a int, b text);
INSERT INTO events SELECT g, nullif(g / 2, 0), 'old' FROM generate_series(1, 50) g;
INSERT INTO loose SELECT g, 'old' FROM generate_series(1, 50) g;
GRANT ALL ON ALL TABLES IN SCHEMA public TO agent;
"""
ADDED = "INSERT INTO events SELECT g, g % 50 + 1, 'new' FROM generate_series(100, 199) g"
LOOSE = "INSERT INTO loose SELECT g, 'new' FROM generate_series(100, 199) g"


@pytest.fixture
def log(database: Database) -> Database:
    database.run(EVENTS)
    return database


def refused(database: Database, captured: Captured) -> tuple[Conflict, ...]:
    """What the refusal names; that nothing was changed is checked here."""
    now = database.digest()
    with pytest.raises(Refused) as refusal:
        run(restore(database, captured, verify=True))
    assert database.digest() == now
    return refusal.value.conflicts


def asked(database: Database, folder: Path, statement: str) -> list[str]:
    """What the agent's connection is asked about rows while they are kept; then it commits."""

    async def kept() -> list[str]:
        async with connected(database) as agent:
            await agent.rows("BEGIN")
            guard = Guard(agent, database)
            await guard.baseline()
            await agent.rows(statement)
            effects = await guard.measure()
            agent.asked.clear()
            folder.mkdir()
            await guard.capture(effects, DirectorySink(folder))
            about_rows = [query for query in agent.asked if "FROM ONLY" in query]
            await agent.rows("COMMIT")
            return about_rows

    return list(run(kept()))


@pytest.mark.parametrize(
    ("statements", "new"),
    [
        ([ADDED], 100),
        ([ADDED, "INSERT INTO events VALUES (900, 100)"], 101),
        (["SAVEPOINT a", ADDED, "ROLLBACK TO a", ADDED.replace("199", "149")], 50),
        (["SAVEPOINT a", ADDED, "ROLLBACK TO a"], 0),
        ([f"DO $$ BEGIN BEGIN {ADDED}; RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END; {ADDED}; END $$"], 100),
        (["SAVEPOINT a", ADDED, "RELEASE a", "SAVEPOINT b", "INSERT INTO events VALUES (900)", "RELEASE b"], 101),
        ([ADDED.replace("100, ", "30, ") + " ON CONFLICT DO NOTHING"], 149),
        (["SELECT * FROM events FOR UPDATE", ADDED], 100),
        ([ADDED, "DELETE FROM events WHERE id = 150"], 99),
        ([ADDED, "UPDATE events SET note = 'x' WHERE id = 150"], 100),
        ([LOOSE], 100),
        ([LOOSE, "SAVEPOINT a", LOOSE, "ROLLBACK TO a"], 100),
    ],
)
@pytest.mark.parametrize("limits", [DEFAULT_LIMITS, NO_KEYS], ids=["keys", "number"])
def test_what_was_added_is_counted_and_taken_out(
    log: Database, tmp_path: Path, statements: list[str], new: int, limits: Limits
) -> None:
    before = log.digest()
    _, captured = run(guarded(log, tmp_path / "u", *statements, limits=limits))
    assert [table.new for table in captured.tables] == [new]
    log.run("VACUUM FREEZE")
    run(restore(log, captured, verify=True))
    assert log.digest() == before


TAKEN = "DELETE FROM loose WHERE a < 10"


@pytest.mark.parametrize(
    "statements",
    [
        [TAKEN, "SAVEPOINT a", "TRUNCATE loose", LOOSE, "ROLLBACK TO a", LOOSE],
        ["SAVEPOINT a", TAKEN, "SAVEPOINT b", "TRUNCATE loose", "ROLLBACK TO b", "RELEASE a", LOOSE],
        ["SAVEPOINT a", TAKEN, "TRUNCATE loose", "ROLLBACK TO a", LOOSE],
        ["SAVEPOINT a", "TRUNCATE loose", LOOSE, "ROLLBACK TO a", LOOSE],
    ],
)
def test_a_truncate_that_was_taken_back_makes_no_count_too_low(
    log: Database, tmp_path: Path, statements: list[str]
) -> None:
    """The server sets its counts back at TRUNCATE."""
    before = log.digest()
    _, captured = run(guarded(log, tmp_path / "u", *statements, limits=NO_KEYS))
    run(restore(log, captured, verify=True))
    assert log.digest() == before


def test_a_truncate_that_stays_is_not_taken_for_added_rows(log: Database, tmp_path: Path) -> None:
    before = log.digest()
    with pytest.raises(Unguardable, match=r"public\.loose"):
        run(guarded(log, tmp_path / "u", TAKEN, "SAVEPOINT a", "TRUNCATE loose", "RELEASE a", LOOSE))
    assert log.digest() == before


def test_rows_of_several_partitions(log: Database, tmp_path: Path) -> None:
    log.run("""
        CREATE TABLE parts (id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
        CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (150);
        CREATE TABLE high PARTITION OF parts FOR VALUES FROM (150) TO (1000);
        INSERT INTO parts SELECT g, 'old' FROM generate_series(1, 50) g;
        GRANT ALL ON parts TO agent""")
    before = log.digest()
    added = "INSERT INTO parts SELECT g, 'new' FROM generate_series(100, 199) g"
    _, captured = run(guarded(log, tmp_path / "u", added, limits=NO_KEYS))
    assert sorted(table.new or 0 for table in captured.tables) == [50, 50]
    run(restore(log, captured, verify=True))
    assert log.digest() == before
    _, captured = run(guarded(log, tmp_path / "v", added, limits=NO_KEYS))
    log.run("UPDATE parts SET id = 300 + id WHERE id = 120")
    assert {conflict.table for conflict in refused(log, captured)} == {"public.low"}


def test_a_trigger_that_takes_rows_of_the_same_table_away_is_seen(log: Database, tmp_path: Path) -> None:
    """Then rows were not only added."""
    log.run("""
        CREATE FUNCTION rotate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
          DELETE FROM public.loose WHERE a = NEW.a - 99; RETURN NEW; END $$;
        CREATE TRIGGER rotate BEFORE INSERT ON loose FOR EACH ROW EXECUTE FUNCTION rotate();""")
    before = log.digest()
    _, captured = run(guarded(log, tmp_path / "u", LOOSE, limits=NO_KEYS))
    assert captured.rows == 50
    run(restore(log, captured, verify=True))
    assert log.digest() == before


def test_no_row_is_read_to_know_how_many_were_added(log: Database, tmp_path: Path) -> None:
    many = "INSERT INTO events SELECT g FROM generate_series(1000, 1000 + 20000) g"
    assert asked(log, tmp_path / "a", many) == []
    assert read_back(tmp_path / "a").tables[0].new == 20_001
    assert len(asked(log, tmp_path / "b", ADDED)) == 1, "the keys of a few are read, once"


@pytest.mark.parametrize(
    ("later", "named"),
    [
        (
            "UPDATE events SET note = 'mine' WHERE id IN (120, 130)",
            "since or removed; made or changed since: id=120, id",
        ),
        ("DELETE FROM events WHERE id = 120", "since or removed"),
        ("DELETE FROM events WHERE id = 120; INSERT INTO events VALUES (120, NULL, 'another')", "id=120"),
        ("UPDATE events SET note = 'mine' WHERE id = 120; VACUUM FREEZE events", "id=120"),
        ("UPDATE events SET note = 'mine' WHERE id BETWEEN 101 AND 130", "id=120, ..."),
    ],
)
def test_a_row_changed_since_is_found_without_its_key(log: Database, tmp_path: Path, later: str, named: str) -> None:
    _, captured = run(guarded(log, tmp_path / "u", ADDED, limits=NO_KEYS))
    assert not captured.tables[0].new_file
    for statement in later.split("; "):
        log.run(statement)
    (conflict,) = refused(log, captured)
    assert "100 rows that the transaction left there" in conflict.key
    assert named in conflict.why


@pytest.mark.parametrize("later", ["UPDATE loose SET b = 'mine' WHERE a = 120", "DELETE FROM loose WHERE a = 120"])
def test_without_any_key_the_number_tells(log: Database, tmp_path: Path, later: str) -> None:
    _, captured = run(guarded(log, tmp_path / "u", LOOSE))
    log.run(later)
    assert "of which 99 are" in refused(log, captured)[0].key


def test_a_row_that_others_added_since_stays(log: Database, tmp_path: Path) -> None:
    _, captured = run(guarded(log, tmp_path / "u", ADDED, limits=NO_KEYS))
    log.run("INSERT INTO events VALUES (800, NULL, 'theirs')")
    run(restore(log, captured, verify=True))
    assert log.ask("SELECT count(*), max(id) FROM events") == [(51, 800)]


def test_rows_of_anothers_open_savepoint_are_not_counted(log: Database, tmp_path: Path) -> None:
    """Whose ids are whose is not certain then, until rows are looked at."""
    other = psycopg.connect(log.url)
    other.execute("SELECT pg_current_xact_id()")

    async def beside() -> None:
        other.execute("SAVEPOINT s")
        other.execute("INSERT INTO events VALUES (700), (701)")
        other.execute("RELEASE s")

    own = ("INSERT INTO events VALUES (90)", "SAVEPOINT a", ADDED, "RELEASE a")
    _, captured = run(guarded(log, tmp_path / "u", *own, between=beside))
    assert captured.tables[0].new == 101
    other.commit()
    other.close()
    run(restore(log, captured, verify=True))
    assert log.ask("SELECT count(*), max(id) FROM events") == [(52, 701)]


def test_anothers_failure_meanwhile_costs_a_look_and_nothing_else(log: Database, tmp_path: Path) -> None:
    async def beside() -> None:
        log.run("BEGIN; INSERT INTO events VALUES (700); ROLLBACK")

    before = log.digest()
    _, captured = run(guarded(log, tmp_path / "u", ADDED, between=beside, limits=NO_KEYS))
    assert captured.tables[0].new == 100
    run(restore(log, captured, verify=True))
    assert log.digest() == before


def test_a_table_that_the_agent_may_only_add_to(log: Database, tmp_path: Path) -> None:
    log.run("REVOKE ALL ON loose FROM agent; GRANT INSERT ON loose TO agent")
    before = log.digest()
    _, captured = run(guarded(log, tmp_path / "u", LOOSE))
    run(restore(log, captured, verify=True))
    assert log.digest() == before
    with pytest.raises(Unguardable, match="may not read that table"):
        run(guarded(log, tmp_path / "v", LOOSE, "SAVEPOINT a", LOOSE, "ROLLBACK TO a"))
    assert log.digest() == before


LARGE = "INSERT INTO loose SELECT g, repeat('x', 2000) FROM generate_series(1, 2000) g"


def test_new_keys_are_looked_for_at_the_end_and_found_anywhere(log: Database, tmp_path: Path) -> None:
    """A page in the middle has room: what lies there is found by a second look, at all of the table."""
    log.run("ALTER TABLE loose ALTER b SET STORAGE PLAIN")
    log.run(LARGE)
    log.run("ALTER TABLE loose ADD COLUMN id serial PRIMARY KEY; GRANT ALL ON SEQUENCE loose_id_seq TO agent")
    (end,) = asked(log, tmp_path / "end", "INSERT INTO loose (a, b) SELECT 1, repeat('y', 2000)")
    assert ",0)'::pg_catalog.tid" in end
    log.run("DELETE FROM loose WHERE id BETWEEN 100 AND 107")
    log.run("VACUUM loose")
    before = log.digest()
    four = "INSERT INTO loose (a, b) SELECT g, repeat('y', 1900) FROM generate_series(1, 4) g"
    first, second = asked(log, tmp_path / "room", four)
    assert ",0)'::pg_catalog.tid" in first
    assert ",0)'::pg_catalog.tid" not in second
    captured = read_back(tmp_path / "room")
    (changed,) = log.ask("SELECT id FROM loose WHERE a = 3 AND b LIKE 'y%'")
    log.run(f"UPDATE loose SET a = 77 WHERE id = {changed[0]}")
    assert [conflict.key for conflict in refused(log, captured)] == [f"id={changed[0]}"]
    log.run(f"DELETE FROM loose WHERE id = {changed[0]}")
    run(restore(log, captured, verify=True))
    assert log.digest() == before


@pytest.mark.parametrize("version", [15, 18])
def test_ids_that_come_again_are_not_the_transactions(version: int, tmp_path: Path) -> None:
    """Rows hold 32 bits of who made them, for ever: 4 billion transactions later, their maker's id comes again."""
    with cluster(version) as server:
        database = server.database()
        database.run(EVENTS)
        ((xid,),) = database.ask("SELECT xmin::text::int8 FROM events WHERE id = 1")
        before = database.digest()
        _, captured = run(guarded(database, tmp_path / "u", ADDED, limits=NO_KEYS))
        _restarted(server, database, epoch=1, xid=xid - 2)
        refusals = [_added_again(database, tmp_path / f"v{number}") for number in range(8)]
        assert any("4 billion" in refusal for refusal in refusals), refusals
        now = database.digest()
        with pytest.raises(YettError, match=r"unknown|2 billion"):
            run(restore(database, captured, verify=True))
        assert database.digest() == now != before


@pytest.mark.parametrize("version", [15, 18])
def test_where_nobody_knows_any_more_that_it_was_committed_nothing_is_undone(version: int, tmp_path: Path) -> None:
    """Freezing keeps what rows say of their maker, and lets go of what became of it (pg_xact)."""
    with cluster(version) as server:
        database = server.database()
        database.run(EVENTS)
        _, captured = run(guarded(database, tmp_path / "u", ADDED, limits=NO_KEYS))
        _restarted(server, database, epoch=0, xid=3_000_000_000)
        now = database.digest()
        with pytest.raises(YettError, match=r"unknown|2 billion"):
            run(restore(database, captured, verify=True))
        assert database.digest() == now


def _added_again(database: Database, folder: Path) -> str:
    before = database.digest()
    try:
        again = "INSERT INTO events SELECT g FROM generate_series(500, 599) g"
        _, captured = run(guarded(database, folder, again, limits=NO_KEYS))
    except Unguardable as refusal:
        return refusal.what
    run(restore(database, captured, verify=True))
    assert database.digest() == before
    return ""


def _restarted(server: Cluster, database: Database, *, epoch: int, xid: int) -> None:
    _frozen(server, database)
    server.run_down()
    server.renumber(epoch, xid)
    server.start()
    _frozen(server, database)


def _frozen(server: Cluster, database: Database) -> None:
    for name in ("postgres", "template1", database.name):
        with psycopg.connect(f"{server.url}/{name}", autocommit=True) as connection:
            connection.execute("VACUUM FREEZE")
