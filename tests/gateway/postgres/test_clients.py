"""The clients that agents use, through the wire, on every version of the server."""

from __future__ import annotations

import asyncio
import json
import os
import select
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from psycopg import errors, pq
from sqlalchemy.pool import NullPool

from gateway.postgres.conftest import Place
from gateway.postgres.wire import PLACEHOLDER
from yett.gateway.postgres.desk import Told

asyncpg = pytest.importorskip("asyncpg")

NO = Told("yett: not this one", "ask for it", hold="h123")
GUARDED = ["begin", "admit", "settle", "committed"]
NODE = Path(__file__).parent / "node"
INSTALLED = Path(__file__).resolve().parents[3] / ".venv" / "node-postgres"


def program(place: Place, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PGPASSWORD": PLACEHOLDER, "PGHOST": "127.0.0.1", "PGPORT": str(place.port)}
    environment |= {"PGUSER": "agent", "PGDATABASE": place.door.upstream.database, "PGCONNECT_TIMEOUT": "10", **more}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def need(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here")
    return found


def test_psql(place: Place) -> None:
    done = program(place, need("psql"), "-XAtc", "select count(*) from t", "-c", "delete from t where id < 3")
    assert (done.stdout, done.stderr) == ("10\nDELETE 2\n", "")
    place.desk.stops["admit", "update"] = NO
    done = program(place, need("psql"), "-XAt", "-c", "update t set name = ''", "-c", "select 1", "-c", "\\dt")
    assert "ERROR:  yett: not this one (hold h123)\nHINT:  ask for it (hold h123)" in done.stderr
    assert done.stdout.startswith("1\n")
    assert "public|t|table" in done.stdout
    script = "begin;\ndelete from t where id = 3;\n\\echo here\ncommit;\nselect count(*) from t;\n"
    done = subprocess.run(
        [need("psql"), "-XAtq", place.url], input=script, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "here\n7\n"


def test_psql_copies_in_and_out(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_text("".join(f"{n}\tname\n" for n in range(100, 60_100)))
    done = program(place, need("psql"), "-Xc", f"\\copy t from '{file}'", "-c", "\\copy t to stdout")
    assert done.stderr == ""
    assert done.stdout.startswith("COPY 60000\n")
    assert len(done.stdout.splitlines()) == 60_011
    assert place.count() == 60_010
    assert place.desk.moments() == GUARDED


def test_pg_dump_and_restore(place: Place, tmp_path: Path) -> None:
    binaries = place.binaries
    done = program(place, str(binaries / "pg_dump"), "-f", str(tmp_path / "dump"))
    assert done.returncode == 0, done.stderr
    assert "COPY public.t (id, name) FROM stdin;" in (tmp_path / "dump").read_text()
    assert place.desk.moments() == []
    with psycopg.connect(place.direct, autocommit=True) as direct:
        direct.execute("drop table child, t")
    done = program(place, str(binaries / "psql"), "-Xqf", str(tmp_path / "dump"))
    assert place.count() == 10, done.stderr


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench(place: Place, mode: str) -> None:
    bench = str(place.binaries / "pgbench")
    subprocess.run([bench, "-qi", "-s", "1", place.direct], capture_output=True, check=True)
    done = program(place, bench, "-n", "-M", mode, "-S", "-c", "4", "-t", "100")
    assert "number of transactions actually processed: 400/400" in done.stdout, done.stderr
    done = program(place, bench, "-n", "-M", mode, "-c", "3", "-t", "20")
    assert "number of transactions actually processed: 60/60" in done.stdout, done.stderr
    assert place.rows("select count(*) from pgbench_history") == [(60,)]
    assert place.desk.moments().count("committed") == 60


def test_psycopg_parameters_and_prepared_statements(place: Place) -> None:
    with place.connect() as c:
        for n in range(8):  # from the fifth on it is prepared
            assert c.execute("select name from t where id = %s", (n + 1,)).fetchone() == (f"name {n + 1}",)
        for n in range(8):
            c.execute("update t set name = %s where id = %s", (f"new {n}", n))
    assert place.rows("select name from t where id = 7") == [("new 7",)]
    assert place.desk.moments() == GUARDED * 8
    assert place.desk.parameters[0] == (b"new 0", b"\0\0") or len(place.desk.parameters[0]) == 2


def test_psycopg_transaction_and_savepoints(place: Place) -> None:
    place.desk.stops["admit", "truncate"] = replace(NO, hold="")
    with place.connect(autocommit=False) as c:
        c.execute("delete from t where id = %s", (1,))
        with pytest.raises(errors.InsufficientPrivilege), c.transaction():
            c.execute("truncate t")
        c.execute("delete from t where id = %s", (2,))
    assert place.count() == 8
    assert place.desk.moments() == ["begin", "admit", "admit", "admit", "settle", "committed"]


def test_psycopg_executemany(place: Place) -> None:
    with place.connect() as c:
        c.cursor().executemany("insert into t values (%s, %s)", [(n, "x") for n in range(100, 400)])
    assert place.count() == 310


def test_psycopg_pipeline(place: Place) -> None:
    with place.connect() as c:
        with c.pipeline():
            read = c.execute("select count(*) from t")
            c.execute("delete from t where id = %s", (1,))
            again = c.execute("select count(*) from t")
            c.execute("update t set name = %s", ("x",))
        assert (read.fetchone(), again.fetchone()) == ((10,), (9,))
    assert place.desk.moments() == ["begin", "admit", "admit", "settle", "committed"]
    assert place.rows("select count(*) from t where name = 'x'") == [(9,)]


@pytest.mark.parametrize("moment", ["admit", "settle"])
def test_psycopg_pipeline_that_is_stopped_leaves_nothing_of_it(place: Place, moment: str) -> None:
    place.desk.stops[moment, "update"] = NO
    with place.connect() as c:
        with pytest.raises(errors.InsufficientPrivilege), c.pipeline():  # noqa: PT012
            for text in ("delete from t where id = 1", "update t set name = 'x'", "delete from t where id = 2"):
                c.execute(text)
        assert c.execute("select count(*) from t").fetchone() == (10,)
    assert place.desk.moments()[-1] == "rolled back"


def test_psycopg_pipeline_of_units(place: Place) -> None:
    """Each Sync ends an implicit transaction of its own."""
    place.desk.stops["admit", "update"] = NO
    with place.connect() as c:
        with c.pipeline() as pipeline:
            c.execute("delete from t where id = %s", (1,))
            pipeline.sync()
            with pytest.raises(errors.InsufficientPrivilege):
                c.execute("update t set name = %s returning id", ("x",)).fetchall()
            pipeline.sync()
            c.execute("delete from t where id = %s", (2,))
    assert place.count() == 8


def test_psycopg_copy(place: Place) -> None:
    with place.connect() as c:
        with c.cursor().copy("copy t from stdin") as copy:
            for n in range(100, 2100):
                copy.write_row((n, "x" * 100))
        with c.cursor().copy("copy (select * from t order by id) to stdout") as out:
            assert sum(1 for _ in out.rows()) == 2010
        with c.cursor().copy("copy (delete from t where id >= 100 returning id) to stdout") as out:
            assert sum(1 for _ in out.rows()) == 2000
    assert place.count() == 10
    assert place.desk.moments() == GUARDED * 2


def test_psycopg_copy_that_fails_or_is_stopped(place: Place) -> None:
    with place.connect() as c:
        with pytest.raises(errors.BadCopyFileFormat), c.cursor().copy("copy t from stdin") as copy:  # noqa: PT012
            for _ in range(50_000):
                copy.write("not\ta\trow\n")
        with pytest.raises(ZeroDivisionError), c.cursor().copy("copy t from stdin") as copy:
            copy.write(f"100\t{1 // 0}\n")
        assert c.info.transaction_status is pq.TransactionStatus.IDLE
        place.desk.stops["settle", "copy"] = NO
        with pytest.raises(errors.InsufficientPrivilege), c.cursor().copy("copy t from stdin") as copy:
            copy.write("100\tx\n")
        place.desk.stops = {("admit", "copy"): NO}
        with pytest.raises(errors.InsufficientPrivilege), c.cursor().copy("copy t from stdin") as copy:
            copy.write("100\tx\n")
        assert c.execute("select count(*) from t").fetchone() == (10,)
    assert place.count() == 10


def test_psycopg_copy_by_the_extended_protocol(place: Place) -> None:
    """libpq sends its Sync before it knows that it copies, and another one behind the rows."""
    with place.connect() as c:
        for rows, status in (
            (b"100\tx\n", pq.ExecStatus.COMMAND_OK),
            (b"no row\n" * 99_999, pq.ExecStatus.FATAL_ERROR),
        ):
            result = c.pgconn.exec_params(b"copy t from stdin", None)
            assert result.status == pq.ExecStatus.COPY_IN
            c.pgconn.put_copy_data(rows)
            c.pgconn.put_copy_end()
            assert [one.status for one in results(c.pgconn)] == [status]
        assert c.execute("select count(*) from t").fetchone() == (11,)
    assert place.count() == 11


def results(connection: pq.abc.PGconn) -> list[pq.abc.PGresult]:
    """Until the connection is ready; `get_result` by itself would hold the lock that the wire's thread needs."""
    found = []
    while True:
        while connection.flush():
            select.select([], [connection.socket], [], 5)
        while connection.is_busy():
            assert select.select([connection.socket], [], [], 5)[0]
            connection.consume_input()
        result = connection.get_result()
        if result is None:
            return found
        found.append(result)


def test_psycopg_server_cursors(place: Place) -> None:
    with place.connect(autocommit=False) as c:
        with c.cursor("named") as cursor:
            cursor.itersize = 3
            cursor.execute("select id from t order by id")
            assert [row[0] for row in cursor] == list(range(1, 11))
        c.execute("delete from t where id = 1")
        with c.cursor("other") as cursor:
            cursor.execute("select id from t order by id")
            assert cursor.fetchmany(2) == [(2,), (3,)]
        c.commit()
    assert place.count() == 9


def test_psycopg_stream(place: Place) -> None:
    with place.connect() as c:
        assert [row[0] for row in c.cursor().stream("select generate_series(1, 5000)")] == list(range(1, 5001))


def test_psycopg_async(place: Place) -> None:
    async def work() -> None:
        async with await psycopg.AsyncConnection.connect(place.url, autocommit=True) as c:
            cursor = await c.execute("delete from t where id = %s returning id", (1,))
            assert await cursor.fetchall() == [(1,)]
            async with c.transaction():
                await c.execute("insert into t values (%s, %s)", (1, "x"))

    asyncio.run(work())
    assert place.count() == 10


def test_psycopg_notifications(place: Place) -> None:
    with place.connect() as c, place.connect() as other:
        c.execute("listen here")
        other.execute("notify here, 'hello'")
        assert [note.payload for note in c.notifies(timeout=5, stop_after=1)] == ["hello"]
        c.execute("notify here, 'own'")
        assert [note.payload for note in c.notifies(timeout=5, stop_after=1)] == ["own"]


def test_sqlalchemy(place: Place) -> None:
    engine = sqlalchemy.create_engine(place.url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    metadata = sqlalchemy.MetaData()
    with engine.begin() as c:
        table = sqlalchemy.Table("t", metadata, autoload_with=c)
        c.execute(table.insert(), [{"id": 100 + n, "name": "x"} for n in range(20)])
        c.execute(table.update().where(table.c.id == 1).values(name="y"))
    assert place.rows("select name, (select count(*) from t) from t where id = 1") == [("y", 30)]
    place.desk.stops["settle", ""] = NO
    with pytest.raises(sqlalchemy.exc.ProgrammingError, match="not this one"), engine.begin() as c:
        c.execute(table.delete())
    assert place.count() == 30


def test_asyncpg(place: Place) -> None:
    async def work() -> None:
        c = await asyncpg.connect(place.url, ssl=False)
        try:
            assert await c.fetchval("select count(*) from t") == 10
            assert await c.fetch("delete from t where id = $1 returning id", 1) == [(1,)]
            async with c.transaction():
                await c.execute("update t set name = $1 where id = $2", "x", 2)
                assert await c.fetchval("select name from t where id = 2") == "x"
                found = [row[0] async for row in c.cursor("select id from t order by id", prefetch=2)]
                assert found == list(range(2, 11))
            await c.executemany("insert into t values ($1, $2)", [(n, "m") for n in range(100, 120)])
            await c.copy_records_to_table("t", records=[(n, "c") for n in range(200, 300)])
            place.desk.stops["admit", "truncate"] = NO
            with pytest.raises(asyncpg.InsufficientPrivilegeError) as refused:
                await c.execute("truncate t")
            assert "h123" in refused.value.hint
            transaction = c.transaction()
            await transaction.start()
            await c.execute("delete from t where id = $1", 3)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await c.execute("truncate t")
            await transaction.rollback()
            prepared = await c.prepare("select $1::int + 1")
            assert [await prepared.fetchval(n) for n in range(5)] == [1, 2, 3, 4, 5]
            assert await c.fetchval("select count(*) from t") == 129
        finally:
            await c.close()

    asyncio.run(work())
    assert place.count() == 129


@pytest.fixture(scope="module")
def node_postgres() -> Path:
    need("npm")
    lock, done = NODE / "package-lock.json", INSTALLED / "done.json"
    if not (done.exists() and done.read_text() == lock.read_text()):
        INSTALLED.mkdir(parents=True, exist_ok=True)
        for file in (NODE / "package.json", lock):
            shutil.copy(file, INSTALLED)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
        made = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr[-2000:]
        shutil.copy(lock, done)
    return INSTALLED


def test_node_postgres(place: Place, node_postgres: Path) -> None:
    place.desk.stops["admit", "truncate"] = NO
    shutil.copy(NODE / "client.js", node_postgres / "client.js")
    done = program(place, need("node"), str(node_postgres / "client.js"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "count": "10",
        "deleted": [{"id": 1}],
        "refused": {"code": "42501", "message": "yett: not this one (hold h123)", "hint": "ask for it (hold h123)"},
        "named": ["name 2", "name 3"],
        "cursor": [2, 2, 2, 2, 1, 0],
        "left": "8",
    }
    assert place.count() == 8
