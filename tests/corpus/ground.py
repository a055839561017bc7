"""A server of one version with the world in a template, on which a case runs in a copy of it.

A copy that the oracle found unchanged, row version by row version, serves the next case too: making one costs more than
all the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from corpus import oracle
from corpus.cases import HERE, SUPERUSER, Case
from corpus.oracle import Difference, State
from corpus.session import Session, opened
from postgres import Server
from postgres_versions import binaries, running
from yett.providers.postgres.dump import Address
from yett.providers.postgres.lease import make_lease
from yett.providers.postgres.own import connect
from yett.providers.postgres.scope import read_write

WORLD, DATABASE, NEIGHBOUR = "world", "case_now", "neighbour"
CHANNELS = ("alarm", "jobs")
REACHING_OTHERS = ("notification", "session ended", "advisory lock")
_POWERS = "pg_read_server_files, pg_write_server_files, pg_execute_server_program, pg_signal_backend, pg_monitor"
_REPAIRED = (
    "pg_authid",
    "pg_auth_members",
    "pg_db_role_setting",
    "pg_parameter_acl",
    "pg_replication_origin",
    "pg_shdescription",
    "pg_shdepend",
)
_HELD_BY_SESSION = """
SELECT 'advisory lock', classid || ' ' || objid || ' ' || mode FROM pg_locks
WHERE locktype = 'advisory' AND pid = %(pid)s
UNION ALL SELECT 'temporary', c.relname FROM pg_class c WHERE c.relpersistence = 't' AND c.relkind NOT IN ('i', 't')"""
Connection = psycopg.Connection[Any]
Before = Callable[[str], None]


def nothing(message: str) -> None:
    """Before a message of a case is sent."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of a case did. `lasting` outlives the session or reaches somebody else; `session` ends with it."""

    role: str
    lasting: tuple[Difference, ...]
    session: tuple[Difference, ...]
    errors: tuple[str, ...]

    @property
    def areas(self) -> frozenset[str]:
        return frozenset(one.area for one in self.lasting)


@dataclass
class Ground:
    """`admin` is the superuser in the database `postgres`; `pristine` what the template holds."""

    version: int
    server: Server
    data: Path
    drop: Path
    admin: Connection
    eye: oracle.Eye
    lease: str = ""
    features: frozenset[str] = frozenset()
    pristine: State = field(default_factory=dict)
    _saved: dict[str, list[str]] = field(default_factory=dict)
    _kept_files: dict[Path, bytes] = field(default_factory=dict)
    _baseline: State = field(default_factory=dict)
    _oracle: Connection | None = None
    _neighbour: Connection | None = None
    _cluster_before: State | None = None

    def url(self, role: str, database: str = DATABASE) -> str:
        name = self.lease if role == "lease" else role
        return f"postgresql://{name}@127.0.0.1:{self.server.port}/{database}"

    def filled(self, text: str) -> str:
        """The text with the names of this server in it: {port} {drop} {database} {lease}. `@file` is a file's text."""
        if text.startswith("@"):
            text = (HERE / "world" / text[1:]).read_text()
        known = {"port": self.server.port, "drop": self.drop, "database": DATABASE, "lease": self.lease}
        for name, value in known.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def renew(self, setup: str = "") -> None:
        """Make the case's database anew from the template, unless nothing changed in it since the last time."""
        if self._oracle is not None and not setup:
            return
        self.discard()
        self.admin.execute(f"CREATE DATABASE {DATABASE} TEMPLATE {WORLD} STRATEGY file_copy OWNER steward")
        self._oracle = psycopg.connect(self.url(SUPERUSER), autocommit=True, application_name="oracle")
        if setup:
            self._oracle.execute(self.filled(setup))  # type: ignore[call-overload]

    def discard(self) -> None:
        """Drop the case's database, with whatever holds it."""
        if self._oracle is None:
            return
        self._end_prepared()
        if self._oracle.execute("SELECT 1 FROM pg_subscription").fetchone():
            self._oracle.execute("SET allow_system_table_mods = on; DELETE FROM pg_subscription")
        self._oracle.close()
        self._oracle = None
        self._cluster_before = None  # it knows the database by its number
        self._wait_until_alone(0)
        self.admin.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")

    def state(self) -> State:
        assert self._oracle is not None
        return self.eye.database(self._oracle)

    def cluster(self) -> State:
        try:
            if self._neighbour is None or self._neighbour.execute("SELECT 1").fetchone() != (1,):
                self._neighbour = psycopg.connect(self.url(SUPERUSER, NEIGHBOUR), autocommit=True)
        except psycopg.OperationalError:
            self._neighbour = None
        return self.eye.cluster(self.admin, self._neighbour, (self.data, self.drop))

    def run(self, case: Case, role: str, before_message: Before = nothing) -> Outcome:
        """Run all messages of a case in one session of that role, in a database as the template has it."""

        def messages(agent: Session) -> None:
            for message in case.messages:
                before_message(self.filled(message))
                agent.send(self.filled(message), case.stdin)

        return self.observe(role, messages, case.setup)

    def observe(self, role: str, act: Callable[[Session], None], setup: str = "") -> Outcome:
        """Let somebody act in a session of that role, and see what it changed; afterwards all is as it was."""
        self.renew(setup)
        pristine = self.state() if setup else self.pristine
        before, start = self._cluster_before or self.cluster(), self._wal_position()
        self._cluster_before = None
        try:
            with self._observed(role) as (agent, observed):
                act(agent)
                agent.end_transaction()
        except BaseException:
            self._clean_up(oracle.differences(before, self.cluster()))
            raise
        self._wait_until_alone(1)
        after = self.cluster()
        lasting = oracle.differences(pristine, self.state()) + oracle.differences(before, after)
        lasting += [one for one in observed if one.area in REACHING_OTHERS]
        lasting += [] if lasting else self._told_in_wal(start)
        if lasting or setup:
            self._clean_up(lasting)
        else:
            self._cluster_before = after
        session = tuple(one for one in observed if one not in lasting)
        return Outcome(role, tuple(lasting), session, tuple(agent.errors))

    def _clean_up(self, lasting: list[Difference]) -> None:
        """Put back what was changed: the server by hand, the case's database by making it anew."""
        self.discard()
        if any(one.area not in ("rows", "catalog", "sequence", "notification") for one in lasting):
            self._repair()

    @contextlib.contextmanager
    def _observed(self, role: str) -> Iterator[tuple[Session, list[Difference]]]:
        """An agent's session and, filled in when the block is left, what it changed about itself and a colleague."""
        observed: list[Difference] = []
        url = self.url(role)
        limit = "" if role == "lease" else "-c statement_timeout=8000"
        with opened(url, "colleague", CHANNELS) as colleague, opened(url, "agent", options=limit) as agent:
            before = agent.facts()
            yield agent, observed
            after = agent.facts() | self._held(agent)
            observed += oracle.differences(before, after)
            observed += self._heard(colleague)

    def _held(self, agent: Session) -> State:
        assert self._oracle is not None
        return dict.fromkeys(self._oracle.execute(_HELD_BY_SESSION, {"pid": agent.pid}), "held")

    def _heard(self, colleague: Session) -> list[Difference]:
        try:
            colleague.connection.execute("SELECT 1")
            colleague.connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return [Difference("session ended", "colleague", "alive", "gone")]
        heard = list(colleague.connection.notifies(timeout=0))
        return [Difference("notification", one.channel, "", one.payload or "sent") for one in heard]

    def _told_in_wal(self, start: str) -> list[Difference]:
        if self._wal_position() == start:
            return []
        self.admin.execute("SELECT pg_logical_emit_message(true, 'oracle', 'all before this is in the files now')")
        programs = binaries(self.version)
        assert programs is not None
        return oracle.differences({}, oracle.wal(programs, self.data, start, self._wal_position()))

    def _wal_position(self) -> str:
        (position,) = self.admin.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone() or ("",)
        return str(position)

    def _wait_until_alone(self, connections: int) -> None:
        """An ended session drops its temporary tables after it said goodbye."""
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        for _ in range(2000):
            if self.admin.execute(asked, [DATABASE]).fetchone() == (connections,):
                return
            time.sleep(0.001)

    def _end_prepared(self) -> None:
        prepared = self.admin.execute("SELECT gid FROM pg_prepared_xacts WHERE database = %s", [DATABASE]).fetchall()
        for (gid,) in prepared:
            assert self._oracle is not None
            self._oracle.execute(f"ROLLBACK PREPARED '{gid}'")  # type: ignore[call-overload]

    # What a case changed outside its database is put back by hand, row by row: a new server for each would take hours.

    def remember(self) -> None:
        """Take the server as it is now for how it has to be after each case."""
        for name in _REPAIRED:
            self._saved[name] = [row for (row,) in self.admin.execute(f"SELECT t::text FROM {name} t{_global(name)}")]  # type: ignore[call-overload]
        for name in ("postgresql.auto.conf", "postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
            self._kept_files[self.data / name] = (self.data / name).read_bytes()
        self._baseline = self._settled(self.cluster())

    def _repair(self) -> None:
        run = self.admin.execute
        if self._neighbour is not None:
            self._neighbour.close()
            self._neighbour = None
        for (slot,) in run("SELECT slot_name FROM pg_replication_slots WHERE NOT active").fetchall():
            run("SELECT pg_drop_replication_slot(%s)", [slot])
        known = {WORLD, DATABASE, NEIGHBOUR, f"{WORLD}_{NEIGHBOUR}", "postgres", "template0", "template1"}
        for (name,) in run("SELECT datname FROM pg_database").fetchall():
            if name not in known:
                run(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[call-overload]
        run(f"DROP DATABASE IF EXISTS {NEIGHBOUR} WITH (FORCE)")
        run(f"CREATE DATABASE {NEIGHBOUR} TEMPLATE {WORLD}_{NEIGHBOUR} STRATEGY file_copy OWNER steward")
        run("SET allow_system_table_mods = on")
        for name, rows in self._saved.items():
            run(f"DELETE FROM {name} t{_global(name)} AND t::text <> ALL (%s::text[])", [rows])  # type: ignore[call-overload]
            there = [row for (row,) in run(f"SELECT t::text FROM {name} t{_global(name)}")]  # type: ignore[call-overload]
            for row in set(rows) - set(there):
                run(f"INSERT INTO {name} SELECT (%s::{name}).*", [row])  # type: ignore[call-overload]
        run("RESET allow_system_table_mods")
        for (name,) in run("SELECT spcname FROM pg_tablespace WHERE oid >= 16384").fetchall():
            run(f"DROP TABLESPACE {name}")  # type: ignore[call-overload]
        self._put_files_back()
        left = oracle.differences(self._baseline, self._settled(self.cluster()))
        assert not left, f"the server was not put back: {left}"

    def _put_files_back(self) -> None:
        now = oracle.differences(self._baseline, self._settled(self.cluster()))
        for one in now:
            path = Path(one.key)
            if one.area == "file" and not one.before:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for path, content in self._kept_files.items():
            path.write_bytes(content)
        if any(one.area in ("configuration", "file") for one in now):
            self.admin.execute("SELECT pg_reload_conf()")
            time.sleep(0.1)

    def _settled(self, state: State) -> State:
        """Without what says when and under which number, not what."""
        loaded = ("configuration", "loaded")
        return {
            fact: value
            for fact, value in state.items()
            if fact != loaded
            and fact[0] != "statistics"
            and not (fact[0] == "shared" and fact[1].startswith(("pg_database ", "pg_shdepend ")))
        }


def _global(catalog: str) -> str:
    """Of pg_shdepend only what belongs to no database: the rest goes with its database."""
    return " WHERE dbid = 0" if catalog == "pg_shdepend" else " WHERE true"


@contextlib.contextmanager
def standing(version: int) -> Iterator[Ground]:
    """A server with the world in it, for as many cases as there are."""
    with _in_memory(), running(version) as server:
        data = server.log.parent / "data"  # type: ignore[attr-defined]
        drop = server.log.parent / "drop"  # type: ignore[attr-defined]
        drop.mkdir()
        os.chown(drop, data.stat().st_uid, data.stat().st_gid)
        drop.chmod(0o777)
        (data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n")
        with psycopg.connect(f"{server.url}/postgres", autocommit=True, application_name="oracle") as admin:
            for setting in (
                "checkpoint_timeout = '1d'",
                "autovacuum = off",
                "wal_level = logical",
                "log_statement = none",
                "wal_keep_size = '96MB'",
            ):
                admin.execute(f"ALTER SYSTEM SET {setting}")  # type: ignore[call-overload]
            admin.execute("SELECT pg_reload_conf()")
            (first_xid,) = admin.execute("SELECT txid_current()").fetchone() or (0,)
            ground = Ground(version, server, data, drop, admin, oracle.Eye(first_xid))
            _populate(ground)
            yield ground


@contextlib.contextmanager
def _in_memory() -> Iterator[None]:
    """Where there is a file system in memory the server lies there: a new database takes 10 ms instead of 250."""
    memory = Path("/dev/shm")
    before = tempfile.tempdir
    tempfile.tempdir = str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 2 << 30 else before
    try:
        yield
    finally:
        tempfile.tempdir = before


def _populate(ground: Ground) -> None:
    run = ground.admin.execute
    run(f"CREATE ROLE steward LOGIN CREATEDB CREATEROLE REPLICATION IN ROLE {_POWERS}")  # type: ignore[call-overload]
    for role in ("pg_create_subscription", "pg_maintain", "pg_checkpoint"):
        if run("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
            run(f"GRANT {role} TO steward")  # type: ignore[call-overload]
    run(
        "CREATE ROLE clerk NOLOGIN; CREATE ROLE stray LOGIN PASSWORD NULL;"
        " GRANT clerk, stray TO steward WITH ADMIN OPTION"
    )
    for name in (WORLD, f"{WORLD}_{NEIGHBOUR}"):
        run(f"CREATE DATABASE {name} OWNER steward")  # type: ignore[call-overload]
    features = {"xml"} if _has_xml(ground) else set()
    scripts = ["base.sql"]
    if run("SELECT 1 FROM pg_available_extensions WHERE name = 'dblink'").fetchone():
        scripts.append("contrib.sql")
        features.add("contrib")
    if ground.version >= 18:
        scripts.append("eighteen.sql")
    for script in scripts:
        _play(ground, WORLD, script)
    _play(ground, f"{WORLD}_{NEIGHBOUR}", "neighbour.sql")
    run(f"CREATE DATABASE {NEIGHBOUR} TEMPLATE {WORLD}_{NEIGHBOUR} OWNER steward")
    ground.lease = asyncio.run(_lease(ground))
    ground.features = frozenset(features)
    ground.remember()
    ground.renew()
    ground.pristine = ground.state()


def _play(ground: Ground, database: str, script: str) -> None:
    with psycopg.connect(ground.url(SUPERUSER, database), autocommit=True) as connection:
        connection.execute(ground.filled((HERE / "world" / script).read_text()))  # type: ignore[call-overload]


def _has_xml(ground: Ground) -> bool:
    with contextlib.suppress(psycopg.errors.FeatureNotSupported):
        ground.admin.execute("SELECT query_to_xml('SELECT 1', true, true, '')")
        return True
    return False


async def _lease(ground: Ground) -> str:
    parameters = {"host": "127.0.0.1", "port": str(ground.server.port), "user": SUPERUSER, "dbname": WORLD}
    own = await connect(Address(tuple(parameters.items()), ""))
    async with own:
        role = await make_lease(own, read_write(schemas=["public"]), "corpus", datetime.now(UTC) + timedelta(hours=8))
    return role.name
