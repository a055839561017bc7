"""A home, a database server, and daemons that die: what tests do with them, and what must hold afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from dying_daemon import PLACEHOLDER
from guarded import Database
from real_daemon import operator, received, said

from listening import free_port
from yett.drills.authenticator import VirtualKey
from yett.drills.person import VirtualPerson

UP_S = 60.0
TABLES = """
CREATE TABLE people (id int PRIMARY KEY, v text);
CREATE TABLE orders (id int PRIMARY KEY, person int REFERENCES people ON DELETE CASCADE, v text);
CREATE TABLE totals (n int PRIMARY KEY, orders int);
CREATE TABLE old (id int PRIMARY KEY, v text NOT NULL DEFAULT 'x');
CREATE INDEX old_v ON old (v);
CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN UPDATE totals SET orders = (SELECT count(*) FROM orders); RETURN NULL; END';
CREATE TRIGGER counted AFTER DELETE ON orders FOR EACH STATEMENT EXECUTE FUNCTION counted();
INSERT INTO people SELECT g, 'p' || g FROM generate_series(1, 60) g;
INSERT INTO orders SELECT g, 1 + g % 60, 'o' || g FROM generate_series(1, 600) g;
INSERT INTO totals VALUES (1, 600);
INSERT INTO old SELECT g, 'old' || g FROM generate_series(1, 200) g;
"""
DEFINITIONS = """
SELECT c.relname || ' ' || a.attname || ' ' || a.attnotnull || ' ' || format_type(a.atttypid, a.atttypmod)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 ORDER BY 1"""
ROLES = r"SELECT count(*) FROM pg_roles WHERE rolname LIKE 'yett\_%\_%'"


class Forks:
    """The program that forks daemons."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("dying_daemon.py")
        self._process = subprocess.Popen(
            [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **asked: object) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


@dataclass
class Home:
    """One state directory in front of one database."""

    path: Path
    forks: Forks
    database: Database
    key: VirtualKey = field(default_factory=VirtualKey)
    pid: int = 0
    port: int = 0

    def start(self, step: str = "", how: str = "die") -> None:
        """Start a daemon that comes to `step`; "": one that lives."""
        self.port = free_port()
        for name in ("at", "go"):
            (self.path / name).unlink(missing_ok=True)
        self.pid = self.forks.ask(home=str(self.path), port=self.port, step=step, how=how)
        end = time.monotonic() + UP_S
        while time.monotonic() < end:
            try:
                self.tell("status")
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"it did not start: {self.log()[-2000:]}")

    def log(self) -> str:
        return (self.path / "daemon.log").read_text()

    def tell(self, verb: str, **more: object) -> dict[str, Any]:
        with operator(self.path) as connection:
            return said(connection, {"verb": verb, **more})

    def ended(self) -> int:
        """How the daemon ended: -9, killed."""
        pid, self.pid = self.pid, 0
        return self.forks.ask(wait=pid)

    def kill(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self.ended()

    def comes_to_its_step(self) -> None:
        end = time.monotonic() + UP_S
        while not (self.path / "at").exists():
            assert time.monotonic() < end, self.log()[-2000:]
            time.sleep(0.01)

    @property
    def person(self) -> VirtualPerson:
        return VirtualPerson("Ada", f"http://localhost:{self.port}", self.key)

    def agent(self) -> psycopg.Connection[Any]:
        port = self.tell("test.seat")["port"]
        url = f"postgresql://agent:{PLACEHOLDER}@127.0.0.1:{port}/{self.database.name}"
        return psycopg.connect(url, connect_timeout=30, autocommit=True)

    # -- what lies there, read as a stranger

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self.path / 'yett.db'}?mode=ro", uri=True) as connection:
            return connection.execute(query).fetchall()

    def entries(self, kind: str) -> list[dict[str, Any]]:
        found = [json.loads(data) for (data,) in self.rows("SELECT data FROM ledger_entry ORDER BY idx")]
        return [entry["body"] for entry in found if entry["kind"] == kind]

    def outcomes(self) -> list[str]:
        """What the log says last of every intent that it has: "" if nothing."""
        last = {body["intent"]: body["outcome"] for body in self.entries("outcome")}
        asked = self.rows("SELECT intent FROM inflight ORDER BY intent")
        return [last.get(intent, "") for (intent,) in asked]

    def undos(self) -> list[dict[str, Any]]:
        found = self.tell("undo.list")["undos"]
        assert isinstance(found, list)
        return found

    def verified(self) -> list[dict[str, Any]]:
        """Every undo that is kept, read from end to end."""
        with operator(self.path) as connection:
            answer = said(connection, {"verb": "undo.verify"})
            while "progress" in answer:
                answer = received(connection)
        found = answer["checked"]
        assert isinstance(found, list)
        return found

    def state(self) -> tuple[object, object]:
        """Rows and definitions as the server has them."""
        return self.database.digest(), self.database.ask(DEFINITIONS)


@contextmanager
def made_home(folder: Path, forks: Forks, database: Database) -> Iterator[Home]:
    """With a person's key, and the database as a task's own place."""
    path = folder / "home"
    path.mkdir(mode=0o700, parents=True)
    (path / "config.toml").write_text('realm = "drill"\n')
    home = Home(path, forks, database)
    home.start()
    home.person.enrol_first(str(home.tell("keys.code")["code"]))
    added = home.tell("database.add", name="company", value=database.url, environment="staging")
    assert "database" in added, added
    act = home.tell("environments.set", production=[])
    home.person.sign(str(act["act"]))
    home.kill()
    try:
        yield home
    finally:
        home.kill()


@contextmanager
def copied(home: Home, folder: Path) -> Iterator[Home]:
    """A home of its own for one test."""
    shutil.copytree(home.path, folder / "home", ignore=shutil.ignore_patterns("*.sock"))
    made = Home(folder / "home", home.forks, home.database, home.key)
    try:
        yield made
    finally:
        made.kill()
