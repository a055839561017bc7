"""Rows come back to the bit whatever they hold; what somebody did since is named and left alone."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from guarded import Database, cluster, guarded, run

from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.restore import Conflict, Refused, conflicts, restore, settle

ACCOUNTS = """
CREATE TABLE accounts (id int PRIMARY KEY, email text UNIQUE, n int DEFAULT 0);
CREATE TABLE notes (id int PRIMARY KEY, account int REFERENCES accounts ON DELETE CASCADE, t text);
CREATE TABLE loose (a int, b text);
INSERT INTO accounts SELECT g, 'a' || g, g FROM generate_series(1, 20) g;
INSERT INTO notes SELECT g, g, 'n' FROM generate_series(1, 20) g;
INSERT INTO loose SELECT g % 3, 'x' FROM generate_series(1, 20) g;
GRANT ALL ON ALL TABLES IN SCHEMA public TO agent;
"""


@pytest.fixture
def bank(database: Database) -> Database:
    database.run(ACCOUNTS)
    return database


def refused(database: Database, captured: Captured) -> tuple[Conflict, ...]:
    """What the refusal names; that nothing was changed is checked here."""
    now = database.digest()
    foreseen = run(conflicts(database, captured))
    with pytest.raises(Refused) as refusal:
        run(restore(database, captured, verify=True))
    assert database.digest() == now
    assert not foreseen or tuple(foreseen) == refusal.value.conflicts
    return refusal.value.conflicts


@pytest.mark.parametrize(
    ("statement", "later", "named"),
    [
        ("UPDATE accounts SET n = 0", "UPDATE accounts SET n = 5 WHERE id = 3", "id=3"),
        ("UPDATE accounts SET n = 0", "DELETE FROM accounts WHERE id = 3", "id=3"),
        ("DELETE FROM accounts WHERE id < 5", "INSERT INTO accounts VALUES (3, 'else')", "id=3"),
        ("INSERT INTO accounts VALUES (50, 'new')", "UPDATE accounts SET n = 5 WHERE id = 50", "id=50"),
        ("INSERT INTO accounts VALUES (50, 'new')", "INSERT INTO notes VALUES (99, 50)", "50"),
        ("DELETE FROM notes WHERE id = 3", "DELETE FROM accounts WHERE id = 3", "3"),
        ("UPDATE accounts SET id = 80 WHERE email = 'gone'; UPDATE notes SET id = 80 WHERE id = 3",
         "DELETE FROM notes WHERE id = 80", "id=80"),
        ("UPDATE loose SET b = 'y' WHERE a = 1", "UPDATE loose SET b = 'z' WHERE a = 1", "left there"),
        ("UPDATE loose SET b = 'y' WHERE a = 1",
         "DELETE FROM loose WHERE ctid = (SELECT max(ctid) FROM loose WHERE a = 1)", "left there"),
    ],
)  # fmt: skip
def test_what_was_changed_since_is_named_and_left_alone(
    bank: Database, tmp_path: Path, statement: str, later: str, named: str
) -> None:
    _, captured = run(guarded(bank, tmp_path / "u", statement))
    bank.run(later)
    assert named in " ".join(conflict.key for conflict in refused(bank, captured))


def test_a_value_that_somebody_else_has_taken_is_named(bank: Database, tmp_path: Path) -> None:
    _, captured = run(guarded(bank, tmp_path / "u", "DELETE FROM accounts WHERE id = 3"))
    bank.run("INSERT INTO accounts VALUES (70, 'a3')")
    now = bank.digest()
    with pytest.raises(YettError, match=r"nothing was changed: .*email.*a3"):
        run(restore(bank, captured, verify=True))
    assert bank.digest() == now


@pytest.mark.parametrize(
    "later",
    [
        "UPDATE accounts SET n = 77 WHERE id = 15; INSERT INTO accounts VALUES (60, 'b')",
        "DELETE FROM notes WHERE id = 9",
        "SELECT * FROM accounts FOR KEY SHARE; SELECT * FROM notes FOR UPDATE",
        "VACUUM FREEZE accounts",
        "VACUUM FULL accounts",
        "CLUSTER accounts USING accounts_pkey",
        "ANALYZE",
        "CREATE INDEX ON accounts (n)",
    ],
)
def test_other_work_since_stays_as_it_is(bank: Database, tmp_path: Path, later: str) -> None:
    """As in a database in which only the others' work was done."""
    twin = bank.cluster.database()
    twin.run(ACCOUNTS)
    changes = ("DELETE FROM accounts WHERE id < 5", "UPDATE notes SET t = 'x' WHERE id = 12")
    _, captured = run(guarded(bank, tmp_path / "u", *changes, "INSERT INTO accounts VALUES (55, 'new')"))
    for statement in later.split("; "):
        bank.run(statement)
        twin.run(statement)
    run(restore(bank, captured, verify=True))
    assert bank.digest() == twin.digest()


STAYS = """
CREATE TABLE stays (room int4range, during daterange, PRIMARY KEY (room, during WITHOUT OVERLAPS));
CREATE TABLE visits (room int4range, during daterange,
  FOREIGN KEY (room, PERIOD during) REFERENCES stays (room, PERIOD during));
INSERT INTO stays VALUES ('[1,2)', '[2024-01-01,2024-02-01)');
INSERT INTO visits VALUES ('[1,2)', '[2024-01-05,2024-01-20)');
GRANT ALL ON ALL TABLES IN SCHEMA public TO agent;
"""


def test_a_temporal_key_holds_if_all_that_is_referred_to_covers_it(database: Database, tmp_path: Path) -> None:
    with psycopg.connect(database.url) as connection:
        version = connection.info.server_version
    if version < 180000:
        pytest.skip("temporal keys came with 18")
    database.run(STAYS)
    before = database.digest()
    longer = "INSERT INTO stays VALUES ('[1,2)', '[2024-02-01,2024-03-01)')"
    _, captured = run(guarded(database, tmp_path / "u", longer))
    run(restore(database, captured, verify=True))
    assert database.digest() == before
    _, captured = run(guarded(database, tmp_path / "v", longer))
    database.run("INSERT INTO visits VALUES ('[1,2)', '[2024-01-25,2024-02-05)')")
    assert "2024-01-25" in " ".join(conflict.key for conflict in refused(database, captured))


def test_twice_is_once(bank: Database, tmp_path: Path) -> None:
    before = bank.digest()
    _, captured = run(guarded(bank, tmp_path / "u", "DELETE FROM accounts WHERE id < 5"))
    assert run(restore(bank, captured, verify=True)).returned == 8
    assert run(restore(bank, captured, verify=True)).returned == 0
    assert bank.digest() == before


def test_a_transaction_that_was_rolled_back_is_not_undone(bank: Database, tmp_path: Path) -> None:
    _, captured = run(guarded(bank, tmp_path / "u", "DELETE FROM accounts WHERE id < 5", commit=False))
    now = bank.digest()
    assert run(settle(bank, captured.xid)) == "aborted"
    with pytest.raises(YettError, match="never took effect"):
        run(restore(bank, captured, verify=True))
    assert bank.digest() == now


def test_what_became_of_a_transaction(bank: Database, tmp_path: Path) -> None:
    _, captured = run(guarded(bank, tmp_path / "u", "DELETE FROM accounts WHERE id < 5"))
    assert run(settle(bank, captured.xid)) == "committed"
    assert run(settle(bank, captured.xid + 1_000_000)) == "unknown"
    with psycopg.connect(bank.url) as open_one:
        (xid,) = open_one.execute("SELECT pg_current_xact_id()::text::int8").fetchone() or (0,)
        assert run(settle(bank, xid)) == "in progress"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("ALTER TABLE accounts ADD COLUMN x int", "other columns"),
        ("ALTER TABLE accounts DROP COLUMN n", "other columns"),
        ("ALTER TABLE accounts ALTER n TYPE bigint", "other columns"),
        ("ALTER TABLE accounts RENAME TO renamed", "another name"),
        ("DROP TABLE accounts CASCADE", "was dropped since"),
        ("ALTER TABLE accounts DROP CONSTRAINT accounts_pkey CASCADE", "key of public.accounts"),
    ],
)
def test_a_table_that_is_another_now_is_refused(bank: Database, tmp_path: Path, change: str, reason: str) -> None:
    _, captured = run(guarded(bank, tmp_path / "u", "UPDATE accounts SET n = 9"))
    bank.run(change)
    now = bank.digest()
    with pytest.raises(YettError, match=reason):
        run(restore(bank, captured, verify=True))
    assert bank.digest() == now


def test_rows_without_a_key_that_were_moved_are_refused(bank: Database, tmp_path: Path) -> None:
    _, captured = run(guarded(bank, tmp_path / "u", "DELETE FROM loose WHERE a = 1"))
    bank.run("VACUUM FULL loose")
    with pytest.raises(YettError, match="VACUUM FULL"):
        run(restore(bank, captured, verify=True))


def test_files_that_were_changed_are_refused(bank: Database, tmp_path: Path) -> None:
    _, captured = run(guarded(bank, tmp_path / "u", "DELETE FROM accounts WHERE id = 5"))
    for file in captured.files:
        path = tmp_path / "u" / file.name
        kept = path.read_bytes()
        path.write_bytes(kept.replace(b"a5", b"a6") if b"a5" in kept else kept[:-1] + b"?")
        now = bank.digest()
        with pytest.raises(YettError):
            run(restore(bank, captured, verify=True))
        assert bank.digest() == now
        path.write_bytes(kept)


def test_an_undo_of_another_database_is_refused(bank: Database, tmp_path: Path) -> None:
    _, captured = run(guarded(bank, tmp_path / "u", "DELETE FROM accounts WHERE id = 5"))
    with pytest.raises(YettError, match="another database"):
        run(restore(bank.cluster.database(), captured, verify=True))


def test_no_trigger_and_no_rule_fires(bank: Database, tmp_path: Path) -> None:
    bank.run("""
        CREATE TABLE fired (what text);
        CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN INSERT INTO public.fired VALUES (TG_NAME); RETURN NEW; END $$;
        CREATE TRIGGER plain BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION fire();
        CREATE TRIGGER always BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION fire();
        CREATE TRIGGER replica BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION fire();
        CREATE TRIGGER never BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION fire();
        CREATE RULE rule AS ON INSERT TO accounts DO ALSO INSERT INTO fired VALUES ('rule');
        ALTER TABLE accounts ENABLE ALWAYS TRIGGER always, ENABLE REPLICA TRIGGER replica, DISABLE TRIGGER never;
        ALTER TABLE accounts ENABLE ALWAYS RULE rule;""")
    states = "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal UNION ALL"
    states += " SELECT rulename, ev_enabled FROM pg_rewrite WHERE rulename = 'rule' ORDER BY 1"
    before, enabled = bank.digest(), bank.ask(states)
    _, captured = run(guarded(bank, tmp_path / "u", "DELETE FROM accounts WHERE id < 5"))
    run(restore(bank, captured, verify=True))
    assert (bank.digest(), bank.ask(states)) == (before, enabled)


def test_a_role_that_may_not_silence_triggers_is_refused(bank: Database, tmp_path: Path) -> None:
    bank.run("DROP ROLE IF EXISTS owning; CREATE ROLE owning LOGIN")
    bank.run(
        "ALTER TABLE accounts OWNER TO owning; ALTER TABLE notes OWNER TO owning; GRANT ALL ON SCHEMA public TO owning"
    )
    before = bank.digest()
    _, captured = run(guarded(bank, tmp_path / "u", "DELETE FROM accounts WHERE id < 5"))

    class Owning:
        url = bank.url.replace("postgres@", "owning@")
        connection = Database.connection

    now = bank.digest()
    with pytest.raises(YettError, match="may not keep triggers from firing"):
        run(restore(Owning(), captured, verify=True))  # type: ignore[arg-type]
    assert bank.digest() == now
    bank.run("GRANT SET ON PARAMETER session_replication_role TO owning")
    run(restore(Owning(), captured, verify=True))  # type: ignore[arg-type]
    assert bank.digest() == before


TYPES = {
    "bool": "true", "int2": "-32768", "int8": "9223372036854775807", "oid": "4294967295", "money": "'-12.34'",
    "numeric": "'NaN'", "numeric(40,20)": "1.5", "float4": "'-0'", "float8": "0.1::float8 + 0.2::float8",
    "double precision": "'-Infinity'", "text": "E'\\\\N\\n\\t''\"$$\\\\.'", "varchar(5)": "''", "char(5)": "'a '",
    '"char"': "'x'", "name": "'n'", "bytea": "'\\x00ff5c4e'", "date": "'infinity'", "time": "'23:59:60'",
    "timetz": "'12:00:00.000001+13:59'", "timestamp": "'4713-01-01 00:00:00 BC'",
    "timestamptz": "'2026-03-29 01:30:00+00'",
    "interval": "'-1 year 2 mons -3 days 04:05:06.789'", "uuid": "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
    "json": "'{\"a\":1, \"a\": 1.0,  \"b\":\"\\u00e4\"}'", "jsonb": "'{\"n\": 1.500, \"b\": [null, \"x\"]}'",
    "inet": "'10.0.0.1/8'",
    "cidr": "'10.0.0.0/8'", "macaddr8": "'08:00:2b:01:02:03:04:05'", "bit(3)": "B'101'", "varbit": "B''",
    "point": "'(1.1,-0)'", "path": "'[(0,0),(1,1)]'", "polygon": "'((0,0),(1,1),(2,0))'", "tsvector": "'a:1 b:2A'",
    "tsquery": "'a & !b'", "int4range": "'(,5)'", "int4multirange": "'{[1,3),[5,7)}'", "pg_lsn": "'16/B374D848'",
    "int[]": "'[5:6]={1,NULL}'", "text[][]": "'{{a,\"b,c\"},{\"\",NULL}}'", "mood": "'sad'", "mood[]": "'{happy}'",
    "pair": "'(1,\"a,b\")'", "pair[]": "ARRAY['(1,)', NULL]::pair[]", "positive": "5", "xid8": "'5000000000'",
    "jsonpath": "'$.a[*] ? (@ > 1)'", "aclitem": None, "regclass": "'pg_class'",
    "text COLLATE \"C\"": "repeat('wide', 30000)",
}  # fmt: skip


def test_every_type_comes_back_to_the_bit(database: Database, tmp_path: Path) -> None:
    types = {name: value for name, value in TYPES.items() if value is not None}
    columns = ", ".join(f'"c {number}" {name}' for number, name in enumerate(types))
    database.run(f"""
        CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TYPE pair AS (a int, b text);
        CREATE DOMAIN positive AS int CHECK (value > 0);
        CREATE TABLE kinds (id int, {columns}); GRANT ALL ON kinds TO agent;
        INSERT INTO kinds SELECT g, {", ".join(types.values())} FROM generate_series(1, 2) g;
        INSERT INTO kinds SELECT 1, {", ".join(types.values())}; INSERT INTO kinds VALUES (7);
        ALTER DATABASE {database.name} SET datestyle = 'German';
        ALTER DATABASE {database.name} SET intervalstyle = 'sql_standard';
        ALTER DATABASE {database.name} SET extra_float_digits = -15;
        ALTER DATABASE {database.name} SET bytea_output = 'escape';
        ALTER DATABASE {database.name} SET timezone = 'Australia/Lord_Howe'""")
    before = database.digest()
    _, captured = run(guarded(database, tmp_path / "u", "DELETE FROM kinds"))
    run(restore(database, captured, verify=True))
    assert database.digest() == before
    _, captured = run(guarded(database, tmp_path / "v", "UPDATE kinds SET id = 3"))
    run(restore(database, captured, verify=True))
    assert database.digest() == before


def test_keys_of_every_type_are_found_again(database: Database, tmp_path: Path) -> None:
    for number, (name, value) in enumerate(TYPES.items()):
        if value is None or name in ("json", "point", "path", "polygon", "xid8", "jsonpath") or "COLLATE" in name:
            continue
        database.run(f"""
            DROP TABLE IF EXISTS keyed; DROP TYPE IF EXISTS mood, pair CASCADE; DROP DOMAIN IF EXISTS positive;
            CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TYPE pair AS (a int, b text);
            CREATE DOMAIN positive AS int CHECK (value > 0);
            CREATE TABLE keyed (k {name} PRIMARY KEY, v int); GRANT ALL ON keyed TO agent;
            INSERT INTO keyed VALUES ({value}, 1)""")
        before = database.digest()
        _, captured = run(guarded(database, tmp_path / str(number), "UPDATE keyed SET v = 2"))
        assert captured.tables[0].new_file, name
        run(restore(database, captured, verify=True))
        assert database.digest() == before, name


def test_what_does_not_come_back_exact_is_refused_before_it_commits(database: Database, tmp_path: Path) -> None:
    database.run(
        "CREATE TABLE held (id int PRIMARY KEY, a aclitem); GRANT ALL ON held TO agent; INSERT INTO held VALUES (1)"
    )
    with pytest.raises(Unguardable, match="without a binary form: aclitem"):
        run(guarded(database, tmp_path / "a", "DELETE FROM held"))
    database.run("CREATE TABLE marked (id int PRIMARY KEY, x xml); GRANT ALL ON marked TO agent")
    try:
        database.run("INSERT INTO marked VALUES (1, '<a/>')")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this server is built without xml")
    before = database.digest()
    _, captured = run(guarded(database, tmp_path / "b", "DELETE FROM marked"))
    run(restore(database, captured, verify=True))
    assert database.digest() == before
    database.run("""INSERT INTO marked VALUES (2, E'<?xml version="1.0" encoding="LATIN1"?>\\n<a/>')""")
    with pytest.raises(Unguardable, match="do not survive a copy"):
        run(guarded(database, tmp_path / "c", "DELETE FROM marked WHERE id = 2"))


def test_a_vector_of_an_extension_comes_back(database: Database, tmp_path: Path) -> None:
    try:
        database.run("CREATE EXTENSION vector")
    except psycopg.Error:
        pytest.skip("this server has no pgvector")
    database.run("CREATE TABLE v (id int PRIMARY KEY, e vector(3)); GRANT ALL ON v TO agent")
    database.run("INSERT INTO v SELECT g, ARRAY[g, 0.1, -1]::float4[] FROM generate_series(1, 10) g")
    before = database.digest()
    _, captured = run(guarded(database, tmp_path / "u", "DELETE FROM v WHERE id > 3"))
    run(restore(database, captured, verify=True))
    assert database.digest() == before


def test_numbers_that_have_gone_round_are_told_apart(tmp_path: Path) -> None:
    """Ids have 64 bits and rows hold 32: the transaction goes over the edge, in the first epoch and in a later one."""
    for version in (15, 18):
        for epoch in (0, 3):
            with cluster(version) as server:
                database = server.database()
                database.run(ACCOUNTS)
                database.run("VACUUM FREEZE")
                server.run_down()
                server.renumber(epoch, 2**32 - 4)
                server.start()
                for name in ("postgres", "template1", database.name):
                    with psycopg.connect(f"{server.url}/{name}", autocommit=True) as connection:
                        connection.execute("VACUUM FREEZE")
                before = database.digest()
                folder = tmp_path / f"{version}-{epoch}"
                statements = [
                    f"SAVEPOINT s{n}; UPDATE accounts SET n = {n} WHERE id = {n}; RELEASE s{n}" for n in range(1, 9)
                ]
                _, captured = run(guarded(database, folder, *statements, "INSERT INTO accounts VALUES (90)"))
                assert captured.xid >= epoch * 2**32
                assert max(captured.xids) > 2**31 > min(captured.xids), "the edge was not crossed"
                assert captured.rows == 8
                run(restore(database, captured, verify=True))
                assert database.digest() == before
